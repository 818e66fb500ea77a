# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file of the package imports."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator

PACKAGE = Path(__file__).resolve().parents[1]


def imports_of(path: Path, package: str) -> Iterator[str]:
    """Full names of the modules, and of what is taken from them, that a file imports.

    Parameters
    ----------
    path
        The file.
    package
        Full name of the package that it stands in.
    """
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            start = ".".join([*base, node.module] if node.module else base)
            module = start if node.level else node.module
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
