# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle files of CryoSPARC: .cs, structured arrays of numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, check_file, micrograph_name
from cryosegment.exchange.particles.record import UNCLASSIFIED, ParticleImages, Particles
from cryosegment.exchange.particles.rotations import angles_from_matrices, matrices_from_vectors

LOCATION = (
    "location/micrograph_path",
    "location/center_x_frac",
    "location/center_y_frac",
    "location/micrograph_shape",
)
BLOB = ("blob/path", "blob/idx", "blob/shape")
POSE, SHIFT = "alignments3D/pose", "alignments3D/shift"
MICROGRAPH_PIXEL_SIZE = "location/micrograph_psize_A"
PIXEL_SIZE = ("alignments3D/psize_A", "blob/psize_A")
CLASSES = ("alignments3D/class", "alignments2D/class")
SCORES = ("alignments3D/class_posterior", "pick_stats/ncc_score")


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
    fields = _read_fields(path, passthrough, LOCATION)
    _check_fields(path, fields)
    count = len(fields[POSE])
    sizes = _pixel_sizes(fields, count, pixel_size)
    shapes = np.asarray(fields[LOCATION[3]], dtype=np.int64).reshape(-1, 2)
    fractions = np.stack([fields[LOCATION[2]], fields[LOCATION[1]]], axis=1)
    return Particles(
        micrographs=_micrographs(fields[LOCATION[0]]),
        centers_yx=fractions.astype(np.float64) * shapes,
        angles=angles_from_matrices(matrices_from_vectors(fields[POSE])),
        shifts_yx=_shifts(path, fields, sizes),
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
    fields = _read_fields(path, passthrough, BLOB)
    _check_fields(path, fields, BLOB)
    count = len(fields[POSE])
    shift_sizes = _pixel_sizes(fields, count, pixel_size)
    # particles may have been binned after the refinement
    binned = {name: fields[name] for name in fields if name != PIXEL_SIZE[0]}
    own_sizes = _pixel_sizes(binned, count, pixel_size)
    stacks = [_text(stack).lstrip(">") for stack in fields[BLOB[0]]]
    particles = Particles(
        micrographs=_micrographs(fields.get(LOCATION[0], fields[BLOB[0]])),
        centers_yx=np.full((count, 2), np.nan),
        angles=angles_from_matrices(matrices_from_vectors(fields[POSE])),
        shifts_yx=_shifts(path, fields, shift_sizes),
        pixel_sizes=np.where(np.isnan(own_sizes), shift_sizes, own_sizes),
        scores=_scores(path, fields, score),
        rows=np.arange(1, count + 1),
        shapes=np.zeros((count, 2)),
        classes=_classes(fields, count),
    )
    names = tuple(f"{int(i) + 1:06d}@{stack}" for i, stack in zip(fields[BLOB[1]], stacks))
    return ParticleImages(particles, names, np.reshape(fields[BLOB[2]], (-1, 2))[:, 0])


def _read_fields(path: Path, passthrough: PathLike, needed: Sequence[str]) -> Dict[str, np.ndarray]:
    """All fields of a file, with those of the passthrough file where needed ones are missing."""
    main = _load(path)
    fields = {name: main[name] for name in main.dtype.names}
    absent = [name for name in needed if name not in fields]
    if passthrough or absent:
        other = Path(passthrough) if passthrough else _find_passthrough(path, absent[0])
        fields.update(_joined(main, _load(other), path, other))
    return fields


def _load(path: Path) -> np.ndarray:
    check_file(path)
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(
            f"expected a .cs file as numpy reads it, but {path} is none ({error}): export the "
            "job's particles again"
        ) from None
    if not isinstance(values, np.ndarray) or values.dtype.names is None:
        raise InputError(f"expected particles with named fields in {path}, found plain numbers")
    return values.reshape(-1)


def _find_passthrough(path: Path, absent: str) -> Path:
    found = sorted(path.parent.glob("*passthrough_particles*.cs"))
    if len(found) == 1 and found[0] != path:
        return found[0]
    raise InputError(
        f"expected the field {absent} in {path}, not found, and {len(found)} passthrough files "
        "stand beside it: give the one of its job by --passthrough"
    )


def _joined(
    main: np.ndarray, other: np.ndarray, path: Path, other_path: Path
) -> Dict[str, np.ndarray]:
    """Fields of `other` that `main` lacks, in the order of `main`."""
    for values, name in ((main, path), (other, other_path)):
        if "uid" not in values.dtype.names:
            raise InputError(f"expected the field uid in {name}, not found: export it again")
    order = np.argsort(other["uid"], kind="stable")
    index = np.searchsorted(other["uid"], main["uid"], sorter=order)
    found = order[np.minimum(index, len(order) - 1)] if len(order) else np.empty(0, np.intp)
    absent = len(main) if not len(order) else int((other["uid"][found] != main["uid"]).sum())
    if absent:
        raise InputError(
            f"{absent} of {len(main)} particles of {path} are not in {other_path}: give the "
            "passthrough file of the same job"
        )
    names = [name for name in other.dtype.names if name not in main.dtype.names]
    return {name: other[name][found] for name in names}


def _check_fields(
    path: Path, fields: Dict[str, np.ndarray], needed: Sequence[str] = LOCATION
) -> None:
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


def _pixel_sizes(
    fields: Dict[str, np.ndarray], count: int, pixel_size: Optional[float]
) -> np.ndarray:
    named = next((name for name in PIXEL_SIZE if name in fields), "")
    if pixel_size is not None or not named:
        return np.full(count, np.nan if pixel_size is None else float(pixel_size))
    return np.asarray(fields[named], dtype=np.float64)


def _shifts(path: Path, fields: Dict[str, np.ndarray], sizes: np.ndarray) -> np.ndarray:
    if SHIFT not in fields:
        return np.zeros((len(sizes), 2))
    pixels = np.asarray(fields[SHIFT], dtype=np.float64)[:, ::-1]
    if np.isnan(sizes[(pixels != 0).any(axis=1)]).any():
        raise InputError(
            f"{path} does not say the pixel size of its shifts: give --particle-pixel-size"
        )
    return pixels * np.where(np.isnan(sizes), 1.0, sizes)[:, None]


def _scores(path: Path, fields: Dict[str, np.ndarray], score: str) -> np.ndarray:
    named = next((name for name in ((score,) if score else SCORES) if name in fields), "")
    if score and not named:
        raise InputError(f"expected the field {score} in {path}, not found: check --score")
    if not named:
        return np.full(len(fields[POSE]), np.nan)
    return np.asarray(fields[named], dtype=np.float64)


def _classes(fields: Dict[str, np.ndarray], count: int) -> np.ndarray:
    named = next((name for name in CLASSES if name in fields), "")
    return np.asarray(fields[named]) if named else np.full(count, UNCLASSIFIED)


def _micrographs(paths: np.ndarray) -> Tuple[str, ...]:
    unique, index = np.unique(paths, return_inverse=True)
    names = [micrograph_name(_text(path)) for path in unique]
    return tuple(names[i] for i in index)


def _text(value: object) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
