# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by coordinate files: columns of coordinates, and rows by micrograph."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Sequence

import numpy as np

from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.errors import InputError


def places(path: Path, **axes: np.ndarray) -> np.ndarray:
    """Columns of coordinates side by side, (n, columns).

    Parameters
    ----------
    path
        Their file.
    axes
        Each column, (n,), by its name.

    Raises
    ------
    InputError
        If one is not a finite number.
    """
    for column, values in axes.items():
        missing = np.flatnonzero(~np.isfinite(values))
        if len(missing):
            raise InputError(
                f"expected a number in column {column} of {path}, got {values[missing[0]]} in row "
                f"{missing[0] + 1}"
            )
    return np.stack(list(axes.values()), axis=1)


def by_micrograph(names: Sequence[str], everything: Coordinates) -> Dict[str, Coordinates]:
    """Coordinates of each micrograph, in the order of the file, by the name of each particle's."""
    numbered = {name: i for i, name in enumerate(dict.fromkeys(names))}
    group = np.fromiter(map(numbered.__getitem__, names), dtype=np.intp, count=len(names))
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=len(numbered)))
    return {
        name: everything.select(rows).renamed(name)
        for name, rows in zip(numbered, np.split(order, ends[:-1]))
    }
