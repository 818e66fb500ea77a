# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of the progress of long work."""

from __future__ import annotations

from typing import Callable

Progress = Callable[[int, int, str], None]
"""Called as `progress(done, total, text)`: units done, all units, what was just done."""


def no_progress(done: int, total: int, text: str) -> None:
    """Report nothing."""
