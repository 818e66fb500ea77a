# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of a run: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from cryosegment.exchange.progress import Progress

LOG_FORMAT = "%(levelname)s: %(message)s"
INTERVAL = 2.0  # seconds between two lines of a log


@contextmanager
def show_progress(stream: TextIO | None = None) -> Iterator[Progress]:
    """Progress shown on a stream, by default standard error."""
    stream = sys.stderr if stream is None else stream
    if stream.isatty():
        with _bar(stream) as progress:
            yield progress
    else:
        yield _Lines(stream)


@contextmanager
def _bar(stream: TextIO) -> Iterator[Progress]:
    """A bar of tqdm with the time left; warnings are written above it."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    with logging_redirect_tqdm(), tqdm(file=stream, leave=False, dynamic_ncols=True) as bar:

        def progress(done: int, total: int, text: str) -> None:
            if total != bar.total or done < bar.n:
                bar.reset(total)
                bar.initial = done
            bar.n = done
            bar.set_postfix_str(text)

        yield progress


class _Lines:
    """A line for the first and the last report, and at most one each interval between.

    Work may have several parts, such as reading and training: the time left is that of one.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = -INTERVAL
        self._total = self._done = self._first_done = 0
        self._begun = 0.0

    def __call__(self, done: int, total: int, text: str) -> None:
        now = time.monotonic()
        if total != self._total or done < self._done:
            self._first_done, self._begun = done, now
        self._total, self._done = total, done
        if done >= total or now - self._shown >= INTERVAL:
            self._shown = now
            print(f"{done}/{total} {text}{self._left(now)}", file=self._stream, flush=True)

    def _left(self, now: float) -> str:
        """The time left; empty at the end, and at the first report, which cannot tell."""
        from tqdm import tqdm

        made = self._done - self._first_done
        if not made or self._done >= self._total:
            return ""
        seconds = (now - self._begun) * (self._total - self._done) / made
        return f", {tqdm.format_interval(seconds)} left"
