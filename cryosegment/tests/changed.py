# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests belong to what changed: of `pytest --since COMMIT`.

They are the tests that changed, those that mirror a changed module, and, further away, those that
import one, or what it defines from its package. All others are left to `make test`.
"""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from typing import Dict, Iterable, Iterator, Set

from cryosegment.tests.imports import PACKAGE, imports_of


def changed_files(since: str, root: Path = PACKAGE.parent) -> Set[Path]:
    """Files that differ from the commit where this branch left another, or are new.

    On that other branch itself, when all is committed: files that the last commit changed.

    Parameters
    ----------
    since
        A branch or commit.
    root
        Folder of the repository.
    """

    def git(*words: str) -> Set[Path]:
        command = ["git", *words]
        done = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True)
        return {root / line for line in done.stdout.splitlines()}

    changed = git("diff", "--name-only", "--merge-base", since)
    changed |= git("ls-files", "--others", "--exclude-standard")
    return changed or git("diff", "--name-only", "HEAD~1")


def files_of_tests(changed: Iterable[Path], package: Path) -> Dict[Path, bool]:
    """Files of tests that belong to changed files, and whether they are near; the layers' is.

    Parameters
    ----------
    changed
        Files; those outside the package have no tests.
    package
        Folder of the package.
    """
    library = package / "tests" / "library"
    modules = {path for path in changed if path.suffix == ".py" and package in path.parents}
    names = {name for path in modules for name in _names(path, package)}
    found = {library / "test_layers.py": True}
    for test in library.rglob("test_*.py"):
        mirrored = package / test.parent.relative_to(library) / test.name[len("test_") :]
        above = {parent / "conftest.py" for parent in test.parents if package in parent.parents}
        if modules & {test, mirrored, *above}:
            found[test] = True
        elif names.intersection(imports_of(test, "")):
            found.setdefault(test, False)
    return found


def _names(path: Path, package: Path) -> Iterator[str]:
    """What a test may import of a module: itself, or what it defines, from its package."""
    folder = ".".join((package.name, *path.parent.relative_to(package).parts))
    yield folder if path.stem == "__init__" else f"{folder}.{path.stem}"
    for node in ast.parse(path.read_text("utf-8")).body if path.exists() else ():
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield f"{folder}.{node.name}"
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for name in ast.walk(node):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    yield f"{folder}.{name.id}"
