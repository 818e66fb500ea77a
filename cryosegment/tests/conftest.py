# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the tests: what was not tested, and tests of what changed alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from cryosegment.tests.changed import changed_files, files_of_tests
from cryosegment.tests.imports import PACKAGE

CHOSEN = pytest.StashKey[Optional[Dict[Path, bool]]]()
"""Files of tests that are collected, and whether each is near a change; all without `--since`."""
END = pytest.StashKey[float]()
"""After this no test begins that is not near."""
LEFT = "left to `make test`: it imports what changed, and the time is over"


def pytest_addoption(parser: Any) -> None:
    """Declare the options."""
    parser.addoption("--skips", metavar="FILE", help="add the reason of every skipped test to FILE")
    parser.addoption(
        "--since", metavar="COMMIT", help="only tests of what changed since a branch or commit"
    )
    parser.addoption(
        "--seconds",
        type=float,
        default=float("inf"),
        help="with --since, after which tests that only import what changed are left out",
    )


def pytest_configure(config: Any) -> None:
    """Find the tests of what changed."""
    since = config.getoption("--since")
    config.stash[CHOSEN] = files_of_tests(changed_files(since), PACKAGE) if since else None
    config.stash[END] = time.monotonic() + config.getoption("--seconds")


def pytest_ignore_collect(collection_path: Path, config: Any) -> Optional[bool]:
    """Leave out files of tests that do not belong to what changed."""
    chosen = config.stash[CHOSEN]
    if chosen is None or collection_path.is_dir() or collection_path in chosen:
        return None
    return True


def pytest_collection_modifyitems(config: Any, items: List[Any]) -> None:
    """Begin with the tests that are near to a change."""
    chosen = config.stash[CHOSEN]
    if chosen is not None:
        items.sort(key=lambda item: not chosen[item.path])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: Any) -> None:
    """Leave out what is further away when the time is over."""
    chosen = item.config.stash[CHOSEN]
    is_far = chosen is not None and not chosen[item.path]
    if is_far and time.monotonic() > item.config.stash[END]:
        pytest.skip(LEFT)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write the reasons, one a line."""
    path = terminalreporter.config.getoption("--skips")
    if path:
        reports = terminalreporter.getreports("skipped")
        reasons = [report.longrepr[2].replace("Skipped: ", "", 1) + "\n" for report in reports]
        with open(path, "ab", buffering=0) as file:  # others append to it at the same time
            file.write("".join(reasons).encode())
