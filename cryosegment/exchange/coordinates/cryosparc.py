# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates of CryoSPARC: .cs of picks, extracted or refined particles."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Dict, Sequence

import numpy as np

from cryosegment.exchange.coordinates.columns import by_micrograph, places
from cryosegment.exchange.coordinates.record import Coordinates, Picked
from cryosegment.exchange.cryosparc import (
    CENTER,
    MICROGRAPH,
    MICROGRAPH_PIXEL_SIZE,
    PICK_SCORE,
    SCORES,
    SHAPE,
    centers_and_shapes,
    first_field,
    micrograph_names,
    read_fields,
    shifts_yx,
)
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, atomic_path

ALIGNMENTS = ("alignments3D", "alignments2D")
"""Shifts: that of the 3-D refinement is preferred to that of a 2-D classification."""
MICROGRAPH_UID = re.compile(r"^(\d{21})_")
"""Pattern of the file names of CryoSPARC's micrographs."""
LARGEST_UID = 2**64 - 1
"""Larger numbers in names are not CryoSPARC's."""


def read_cs(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Coordinates of CryoSPARC's particles; rows are counted as in the files of micrographs.

    If particles have shifts, as after a classification, these are applied.

    Raises
    ------
    InputError
        If the file has no locations or does not say the shape of the micrographs.
    """
    fields = read_fields(path, "", (MICROGRAPH, *CENTER))
    centers_yx, shapes = centers_and_shapes(fields)
    if (shapes == 1).any():
        raise InputError(
            f"{path} does not say the shape of micrographs ({SHAPE}), of which its coordinates are "
            "parts: export the particles with their locations"
        )
    kind = next((kind for kind in ALIGNMENTS if f"{kind}/shift" in fields), "")
    sizes = first_field(fields, (f"{kind}/psize_A", "blob/psize_A"))
    shifts = shifts_yx(path, fields, kind, sizes, "export it again")
    y, x = (centers_yx - shifts / pixel_size).T
    everything = Coordinates(
        places(path, center_y_frac=y, center_x_frac=x),
        pixel_size,
        path.stem,
        first_field(fields, SCORES),
    )
    return by_micrograph(micrograph_names(fields[MICROGRAPH]), everything)


def write_cs(path: PathLike, picks: Sequence[Picked]) -> None:
    """Write the picks of many micrographs as particle locations of CryoSPARC.

    Rows are counted as in the image files. Picks of micrographs that CryoSPARC has named belong to
    its micrographs.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, np.concatenate([_table(picked) for picked in picks]), allow_pickle=False)


def _table(picked: Picked) -> np.ndarray:
    coordinates, shape = picked.coordinates, picked.shape
    micrograph = str(picked.micrograph).encode()
    first = int.from_bytes(hashlib.sha256(coordinates.name.encode()).digest()[:5], "big") << 23
    named = MICROGRAPH_UID.match(coordinates.name)
    uid = int(named.group(1)) if named else first
    fractions_yx = coordinates.centers_yx / shape
    fields = {
        "uid": ("<u8", first + np.arange(len(coordinates), dtype=np.uint64)),
        "location/micrograph_uid": ("<u8", uid if uid <= LARGEST_UID else first),
        "location/exp_group_id": ("<u4", 0),
        MICROGRAPH: (f"S{len(micrograph)}", micrograph),
        SHAPE: ("2<u4", shape),
        CENTER[0]: ("<f4", fractions_yx[:, 0]),
        CENTER[1]: ("<f4", fractions_yx[:, 1]),
        MICROGRAPH_PIXEL_SIZE: ("<f4", coordinates.pixel_size),
        PICK_SCORE: ("<f4", coordinates.ranking),
        "pick_stats/power": ("<f4", coordinates.ranking),
    }
    table = np.zeros(len(coordinates), [(name, kind) for name, (kind, _) in fields.items()])
    for name, (_, values) in fields.items():
        table[name] = values
    return table
