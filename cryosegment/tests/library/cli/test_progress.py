# SPDX-License-Identifier: GPL-3.0-or-later
import io

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


def test_a_bar_on_a_terminal():
    terminal = Terminal()
    with show_progress(terminal) as progress:
        progress(1, 2, "first")
        progress(2, 2, "second")
    assert "\r" in terminal.getvalue()
    assert "%" in terminal.getvalue()
