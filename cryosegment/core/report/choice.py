# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of many are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def evenly(ranked: Sequence[T], count: int) -> list[T]:
    """As many as asked for, at even distances, the first and the last among them."""
    places = np.linspace(0, len(ranked) - 1, min(count, len(ranked))).round().astype(int)
    return [ranked[place] for place in places]
