# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the tests: what was not tested, and tests of what changed alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, FrozenSet, Optional

import pytest

from cryosegment.tests.changed import changed_files, files_of_tests
from cryosegment.tests.imports import PACKAGE

CHOSEN = pytest.StashKey[Optional[FrozenSet[Path]]]()
"""Files of tests that are collected; all without `--since`."""


def pytest_addoption(parser: Any) -> None:
    """Declare the options."""
    parser.addoption("--skips", metavar="FILE", help="add the reason of every skipped test to FILE")
    parser.addoption(
        "--since", metavar="COMMIT", help="only tests of what changed since a branch or commit"
    )


def pytest_configure(config: Any) -> None:
    """Find the tests of what changed."""
    since = config.getoption("--since")
    config.stash[CHOSEN] = files_of_tests(changed_files(since), PACKAGE) if since else None


def pytest_ignore_collect(collection_path: Path, config: Any) -> Optional[bool]:
    """Leave out files of tests that do not belong to what changed."""
    chosen = config.stash[CHOSEN]
    if chosen is None or collection_path.is_dir() or collection_path in chosen:
        return None
    return True


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write the reasons, one a line."""
    path = terminalreporter.config.getoption("--skips")
    if path:
        reports = terminalreporter.getreports("skipped")
        reasons = [report.longrepr[2].replace("Skipped: ", "", 1) + "\n" for report in reports]
        with open(path, "ab", buffering=0) as file:  # others append to it at the same time
            file.write("".join(reasons).encode())
