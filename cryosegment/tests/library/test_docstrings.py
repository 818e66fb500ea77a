# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples in docstrings give what they say."""

import doctest
from importlib import import_module

import pytest

from cryosegment.tests.imports import PACKAGE

MODULES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in sorted(PACKAGE.rglob("*.py"))
    if "tests" not in path.parts and "    >>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    result = doctest.testmod(import_module(name))
    assert result.attempted
    assert not result.failed


def test_there_are_examples() -> None:
    assert len(MODULES) > 3
