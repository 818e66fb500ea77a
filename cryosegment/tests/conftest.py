# SPDX-License-Identifier: GPL-3.0-or-later
"""What was not tested: `pytest --skips FILE` adds the reason of every skipped test to FILE."""

from __future__ import annotations

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Declare the option."""
    parser.addoption("--skips", metavar="FILE", help="add the reason of every skipped test to FILE")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write the reasons, one a line."""
    path = terminalreporter.config.getoption("--skips")
    if path:
        reports = terminalreporter.getreports("skipped")
        reasons = [report.longrepr[2].replace("Skipped: ", "", 1) + "\n" for report in reports]
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(reasons)
