# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation holds beside the modules."""

import runpy

import setuptools

from cryosegment.tests.imports import PACKAGE

NOT_INSTALLED = {"tests", "__pycache__"}


def test_files_beside_the_modules_are_installed(monkeypatch):
    said = {}
    monkeypatch.chdir(PACKAGE.parent)
    monkeypatch.setattr(setuptools, "setup", said.update)
    runpy.run_path("setup.py")
    (patterns,) = said["package_data"].values()
    installed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    beside = {
        path
        for path in PACKAGE.rglob("*.*")
        if path.suffix != ".py" and not NOT_INSTALLED & {*path.relative_to(PACKAGE).parts}
    }
    assert beside - installed == set()
    assert all(path.is_file() for path in installed)
