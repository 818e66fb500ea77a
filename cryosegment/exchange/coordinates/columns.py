# SPDX-License-Identifier: GPL-3.0-or-later
"""What coordinate files of every kind share: names of micrographs, columns of numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, Sequence

import numpy as np

from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import micrograph_name

PICKER_ENDINGS = re.compile(r"(_autopick|_manualpick|_topaz|\.coords|_coords)$")
MISSING = ("<NA>", "nan", "None", "")


def own_name(path: Path) -> str:
    """Name of the micrograph that a file is named after, without what pickers add."""
    return PICKER_ENDINGS.sub("", micrograph_name(path))


def numbers(path: Path, column: str, values: Sequence[str], missing: float) -> np.ndarray:
    """A column as numbers, (n,), with `missing` in place of those that are not given.

    Raises
    ------
    InputError
        If the column holds text, or infinity where something else than NaN is `missing`.
    """
    found = np.empty(len(values))
    for i, value in enumerate(values):
        try:
            found[i] = missing if value in MISSING else float(value)
        except ValueError:
            raise InputError(
                f"expected a number in column {column} of {path}, got {value!r}"
            ) from None
    if not np.isnan(missing) and not np.isfinite(found).all():
        raise InputError(f"column {column} of {path} holds {found[~np.isfinite(found)][0]}")
    return found


def required(path: Path, column: str, values: Sequence[str]) -> np.ndarray:
    """A column of finite numbers, (n,).

    Raises
    ------
    InputError
        If one is missing or no number.
    """
    found = numbers(path, column, values, np.nan)
    if not np.isfinite(found).all():
        row = int(np.flatnonzero(~np.isfinite(found))[0])
        raise InputError(
            f"expected a number in column {column} of {path}, got {values[row]!r} in row {row + 1}"
        )
    return found


def by_micrograph(names: Sequence[str], everything: Coordinates) -> Dict[str, Coordinates]:
    """Coordinates of each micrograph, by the name that each particle has."""
    stems = np.array(names, dtype=str)
    unique, first, group = np.unique(stems, return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(group, minlength=len(unique)))[:-1])
    return {
        str(unique[i]): everything.select(parts[i]).renamed(str(unique[i]))
        for i in np.argsort(first)
    }
