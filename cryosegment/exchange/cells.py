# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of tables of text as numbers."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.records import LARGEST

MISSING = ("<NA>", "nan", "NaN", "None", "null", "")
"""What programs write in place of a number that they do not have."""


def is_number(value: Any) -> bool:
    """Whether a value of a JSON file is a number that a float can be, and finite."""
    is_real = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_real and abs(value) <= LARGEST


def numbers(path: PathLike, column: str, cells: Sequence[str]) -> np.ndarray:
    """A column of a file as numbers, (n,), NaN where one is missing (`MISSING`).

    Raises
    ------
    InputError
        If one is text.
    """
    found = np.empty(len(cells))
    for i, cell in enumerate(cells):
        try:
            found[i] = np.nan if cell in MISSING else float(cell)
        except ValueError:
            raise InputError(
                f"expected a number in column {column} of {path}, got {cell!r} in row {i + 1}"
            ) from None
    return found
