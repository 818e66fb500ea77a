# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts in `examples/` run, and what they check themselves holds."""

import subprocess
import sys
from pathlib import Path

import pytest

from cryosegment.tests.imports import PACKAGE

SCRIPTS = sorted((PACKAGE.parent / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_runs(script: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, check=True)


def test_there_are_examples() -> None:
    assert len(SCRIPTS) >= 3
