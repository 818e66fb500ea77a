# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the house that no linter knows."""

import ast
from pathlib import Path

import pytest

from cryosegment.tests.imports import PACKAGE

FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if PACKAGE / "tests" not in path.parents]
COUNTERS = {"Fetched", "Report", "TrainingProgress", "_Download"}
"""Classes that count or change as something goes on."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_are_short_and_licensed(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert lines[0] == "# SPDX-License-Identifier: GPL-3.0-or-later"
    assert len(lines) <= 300


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_functions_are_short(path: Path) -> None:
    long = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
            if node.end_lineno - first.lineno >= 40:
                long.append(node.name)
    assert not long


def test_records_are_frozen() -> None:
    thawed = {
        node.name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
        for decorator in map(ast.unparse, node.decorator_list)
        if decorator.startswith("dataclass") and "frozen=True" not in decorator
    }
    assert thawed == COUNTERS
