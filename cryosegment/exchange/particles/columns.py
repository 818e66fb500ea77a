# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of text in particle files as numbers."""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.star import Block

MISSING = ("<NA>", "nan", "NaN", "None", "null", "")


def numbers(path: PathLike, block: Block, column: str) -> np.ndarray:
    """A column as numbers, (n,); what is missing or infinite is NaN.

    Raises
    ------
    InputError
        If the column holds text.
    """
    cells = ["nan" if cell in MISSING else cell for cell in block[column]]
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError as error:
        raise InputError(f"expected numbers in column {column} of {path}: {error}") from None
    return np.where(np.isfinite(values), values, np.nan)


def stacked(path: PathLike, block: Block, columns: Sequence[str]) -> np.ndarray:
    """Several columns, (n, columns)."""
    return np.stack([numbers(path, block, column) for column in columns], axis=1)


def of_optics_groups(
    path: PathLike, block: Block, optics: Block, columns: Sequence[str]
) -> Optional[np.ndarray]:
    """The first of the columns of the optics table that is there, for each row of the block.

    Raises
    ------
    InputError
        If a row is of a group that the table does not have.
    """
    named = next((column for column in columns if column in optics), "")
    if not named or "rlnOpticsGroup" not in block:
        return None
    values = dict(zip(optics["rlnOpticsGroup"], numbers(path, optics, named)))
    unknown = set(block["rlnOpticsGroup"]) - set(values)
    if unknown:
        raise InputError(
            f"optics group {min(unknown)} in {path} is not in its optics table: "
            "export the file again"
        )
    return np.array([values[group] for group in block["rlnOpticsGroup"]], dtype=np.float64)
