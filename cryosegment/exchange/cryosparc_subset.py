# SPDX-License-Identifier: GPL-3.0-or-later
"""Some particles of a file of CryoSPARC, with all of their fields."""

from __future__ import annotations

from typing import Mapping, Optional

import numpy as np

from cryosegment.exchange.cryosparc import match_uids
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, atomic_path

CHUNK = 10_000
"""Particles that are written at once, which bounds the memory."""


def write_cryosparc_subset(
    path: PathLike,
    main: np.ndarray,
    chosen: np.ndarray,
    added: Mapping[str, np.ndarray],
    passthrough: Optional[np.ndarray] = None,
) -> None:
    """Write some particles of a table, with more fields.

    Parameters
    ----------
    path
        File to make.
    main
        The table, (n,), as `read_table` gives it; its fields come first, in their order.
    chosen
        Whether each particle is written, (n,).
    added
        Numbers of each, (n,), by the name of their field; those of a field that is there replace
        its own.
    passthrough
        The table that the job passed through, in any order: the fields that `main` lacks follow.

    Raises
    ------
    InputError
        If the columns differ in length, the other table lacks a particle, or the file cannot be
        written.
    """
    if any(len(part) != len(main) for part in (chosen, *added.values())):
        raise InputError(f"expected values of {len(main)} particles: give the table that was read")
    rows = np.flatnonzero(chosen)
    sources = [(main, rows, [name for name in main.dtype.names if name not in added])]
    if passthrough is not None:
        places = match_uids(main, passthrough)[rows]
        known = {*main.dtype.names, *added}
        names = [name for name in passthrough.dtype.names if name not in known]
        sources.append((passthrough, places, names))
    fields = [(name, table.dtype[name]) for table, _, names in sources for name in names]
    dtype = np.dtype([*fields, *((name, column.dtype) for name, column in added.items())])
    header = {"descr": dtype.descr, "fortran_order": False, "shape": (len(rows),)}
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.lib.format.write_array_header_2_0(stream, header)
        for first in range(0, len(rows), CHUNK):
            part = np.empty(len(rows[first : first + CHUNK]), dtype)
            for table, places, names in sources:
                found = table[places[first : first + CHUNK]]
                for name in names:
                    part[name] = found[name]
            for name, column in added.items():
                part[name] = column[rows[first : first + CHUNK]]
            stream.write(part.tobytes())
