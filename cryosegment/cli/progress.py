# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run is: a bar on a terminal, plain lines in a log."""

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
    from tqdm import tqdm

    with tqdm(file=stream, leave=False, dynamic_ncols=True, mininterval=0) as bar:

        def progress(done: int, total: int, text: str) -> None:
            bar.total = total
            bar.set_postfix_str(text, refresh=False)
            bar.update(done - bar.n)

        yield progress


class _Lines:
    """A line for the first and the last report, and at most one each interval between."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = -INTERVAL

    def __call__(self, done: int, total: int, text: str) -> None:
        now = time.monotonic()
        if done >= total or now - self._shown >= INTERVAL:
            self._shown = now
            print(f"{done}/{total} {text}", file=self._stream, flush=True)
