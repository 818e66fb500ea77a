# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle files of CryoSPARC: .cs, structured arrays of numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence

import numpy as np

from cryosegment.exchange.cryosparc import (
    CENTER,
    MICROGRAPH,
    MICROGRAPH_PIXEL_SIZE,
    PIXEL_SIZE,
    SCORES,
    Fields,
    centers_and_shapes,
    check_kind,
    first_field,
    micrograph_names,
    read_fields,
    shifts_yx,
    text_of,
)
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.particles.record import UNCLASSIFIED, ParticleImages, Particles
from cryosegment.exchange.particles.rotations import angles_from_matrices, matrices_from_vectors

LOCATION = (MICROGRAPH, *CENTER)
BLOB = ("blob/path", "blob/idx", "blob/shape")
ALIGNMENT = "alignments3D"
POSE = f"{ALIGNMENT}/pose"
UNKNOWN_SIZE = "give --particle-pixel-size"
"""What to do where nothing says the pixel size of the particle images."""
CLASSES = ("alignments3D/class", "alignments2D/class")


def read_cryosparc(
    path: PathLike,
    passthrough: PathLike = "",
    score: str = "",
    pixel_size: Optional[float] = None,
) -> Particles:
    """Refined particles of a .cs file.

    Coordinates are fractions of the micrograph, rows counted as they lie in its file.

    Parameters
    ----------
    path
        Particles of a refinement.
    passthrough
        File with the fields that the job passed through, such as the locations. Where left out
        and needed, the only `*passthrough_particles*.cs` in the folder is taken.
    score
        Field that scores the poses; by default the first of `SCORES`.
    pixel_size
        Å/px of the particle images; wins over the file's.

    Raises
    ------
    InputError
        If a file is missing or of another kind, the passthrough file holds other particles, or
        a field that is needed is in neither.
    """
    path = Path(path)
    fields = read_fields(path, passthrough, LOCATION)
    _check_fields(path, fields)
    count = len(fields[POSE])
    sizes = _pixel_sizes(fields, pixel_size)
    centers_yx, shapes = centers_and_shapes(fields)
    return Particles(
        micrographs=micrograph_names(fields[MICROGRAPH]),
        centers_yx=centers_yx,
        angles=angles_from_matrices(matrices_from_vectors(fields[POSE])),
        shifts_yx=shifts_yx(path, fields, ALIGNMENT, sizes, UNKNOWN_SIZE),
        pixel_sizes=sizes,
        scores=_scores(path, fields, score),
        rows=np.arange(1, count + 1),
        shapes=shapes,
        classes=_classes(fields, count),
        micrograph_pixel_sizes=fields.get(MICROGRAPH_PIXEL_SIZE, np.empty(0)),
    )


def read_cryosparc_images(
    path: PathLike,
    passthrough: PathLike = "",
    score: str = "",
    pixel_size: Optional[float] = None,
) -> ParticleImages:
    """Refined particles of a .cs file and their images.

    The parameters are those of `read_cryosparc`; coordinates on micrographs are left out.

    Raises
    ------
    InputError
        As `read_cryosparc`, or if neither file names the images.
    """
    path = Path(path)
    fields = read_fields(path, passthrough, BLOB)
    _check_fields(path, fields, BLOB)
    count = len(fields[POSE])
    shift_sizes = _pixel_sizes(fields, pixel_size)
    # particles may have been binned after the refinement
    binned = {name: fields[name] for name in fields if name != PIXEL_SIZE[0]}
    own_sizes = _pixel_sizes(binned, pixel_size)
    stacks = [text_of(stack).lstrip(">") for stack in fields[BLOB[0]]]
    particles = Particles(
        micrographs=micrograph_names(fields.get(MICROGRAPH, fields[BLOB[0]])),
        centers_yx=np.full((count, 2), np.nan),
        angles=angles_from_matrices(matrices_from_vectors(fields[POSE])),
        shifts_yx=shifts_yx(path, fields, ALIGNMENT, shift_sizes, UNKNOWN_SIZE),
        pixel_sizes=np.where(np.isnan(own_sizes), shift_sizes, own_sizes),
        scores=_scores(path, fields, score),
        rows=np.arange(1, count + 1),
        shapes=np.zeros((count, 2)),
        classes=_classes(fields, count),
    )
    names = tuple(f"{int(i) + 1:06d}@{stack}" for i, stack in zip(fields[BLOB[1]], stacks))
    return ParticleImages(particles, names, np.reshape(fields[BLOB[2]], (-1, 2))[:, 0])


def _check_fields(path: Path, fields: Fields, needed: Sequence[str] = LOCATION) -> None:
    if POSE not in fields:
        raise InputError(
            f"expected the field {POSE} in {path}, not found: give particles of a 3-D refinement"
        )
    absent = [name for name in needed if name not in fields]
    if absent:
        raise InputError(
            f"expected the field {absent[0]} in {path} or its passthrough file, not found: the "
            f"poses have no {'images' if needed is BLOB else 'coordinates'}"
        )


def _pixel_sizes(fields: Fields, pixel_size: Optional[float]) -> np.ndarray:
    if pixel_size is not None:
        return np.full(len(fields[POSE]), float(pixel_size))
    return first_field(fields, PIXEL_SIZE)


def _scores(path: Path, fields: Fields, score: str) -> np.ndarray:
    if score and score not in fields:
        raise InputError(f"expected the field {score} in {path}, not found: check --score")
    if score:
        values = fields[score]
        check_kind(path, score, np.dtype((values.dtype, values.shape[1:])))
    return first_field(fields, (score,) if score else SCORES)


def _classes(fields: Fields, count: int) -> np.ndarray:
    named = next((name for name in CLASSES if name in fields), "")
    return np.asarray(fields[named]) if named else np.full(count, UNCLASSIFIED)
