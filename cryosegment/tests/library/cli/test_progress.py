# SPDX-License-Identifier: GPL-3.0-or-later
import io
import logging
import sys

import pytest

from cryosegment.cli import progress as progress_module
from cryosegment.cli.progress import show_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_plain_lines_in_a_log_first_and_last_at_once():
    log = io.StringIO()
    with show_progress(log) as progress:
        for i in range(1, 101):
            progress(i, 100, f"mic{i}")
    assert log.getvalue() == "1/100 mic1\n100/100 mic100\n"


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves, in seconds."""
    now = [1000.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return now


def test_a_log_has_the_time_left(clock):
    log = io.StringIO()
    with show_progress(log) as progress:
        for done in (51, 52, 54):  # 50 were done before this run
            progress(done, 100, "mic")
            clock[0] += 30
    # 3 in a minute, and 46 are left
    assert log.getvalue().splitlines() == [
        "51/100 mic",
        "52/100 mic, 24:00 left",
        "54/100 mic, 15:20 left",
    ]


def test_the_parts_of_a_run_are_timed_apart(clock):
    log = io.StringIO()
    with show_progress(log) as progress:
        for step in ((1, 2, "read"), (2, 2, "read"), (1, 2, "drawn"), (500, 1000, "step")):
            progress(*step)
            clock[0] += 100
        progress(750, 1000, "step")
    assert log.getvalue().splitlines() == [
        "1/2 read",
        "2/2 read",
        "1/2 drawn",
        "500/1000 step",
        "750/1000 step, 01:40 left",
    ]


def test_warnings_stand_above_the_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    handler = logging.StreamHandler()
    logger = logging.getLogger()
    logger.addHandler(handler)
    try:
        with show_progress(terminal) as progress:
            progress(1, 2, "first")
            logger.warning("odd")
    finally:
        logger.removeHandler(handler)
    before, after = terminal.getvalue().split("odd\n")
    assert before.endswith("\r")  # on a line of its own, before the bar is drawn again
    assert "first" in after


def test_a_bar_on_a_terminal():
    terminal = Terminal()
    with show_progress(terminal) as progress:
        progress(1, 2, "first")
        progress(2, 2, "second")
    assert "\r" in terminal.getvalue()
    assert "%" in terminal.getvalue()
