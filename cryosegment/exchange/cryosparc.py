# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of CryoSPARC: .cs, a table of numpy with a field for each property of a particle."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Sequence, Tuple

import numpy as np

from cryosegment.exchange.arrays import UNREADABLE
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, check_file, micrograph_name

MICROGRAPH, EXPOSURE = "location/micrograph_path", "micrograph_blob/path"
CENTER = ("location/center_y_frac", "location/center_x_frac")
SHAPE = "location/micrograph_shape"
MICROGRAPH_PIXEL_SIZE = "location/micrograph_psize_A"
PIXEL_SIZE = ("alignments3D/psize_A", "blob/psize_A")
PICK_SCORE = "pick_stats/ncc_score"
SCORES = ("alignments3D/class_posterior", PICK_SCORE)
TEXT, WHOLE, NUMBER = "SU", "iu", "fiu"
"""Kinds of numpy's types."""
KINDS = {
    **dict.fromkeys((MICROGRAPH, EXPOSURE, "blob/path"), (TEXT, ())),
    **dict.fromkeys(("uid", "blob/idx"), (WHOLE, ())),
    **dict.fromkeys(("alignments3D/class", "alignments2D/class"), (WHOLE, ())),
    **dict.fromkeys((SHAPE, "blob/shape"), (WHOLE, (2,))),
    **dict.fromkeys(("alignments3D/shift", "alignments2D/shift"), (NUMBER, (2,))),
    "alignments3D/pose": (NUMBER, (3,)),
    **dict.fromkeys((*CENTER, MICROGRAPH_PIXEL_SIZE, *PIXEL_SIZE, *SCORES), (NUMBER, ())),
    **dict.fromkeys(("alignments2D/psize_A", "blob/sign"), (NUMBER, ())),
    **dict.fromkeys(("ctf/df1_A", "ctf/df2_A"), (NUMBER, ())),
}
"""What the fields that are used hold of each particle: the kind of type, and the shape."""

Fields = Dict[str, np.ndarray]

MAGIC, COMPRESSED = b"\x93NUMPY", b"\x94CSDAT"
"""First bytes of tables of numpy, and of CryoSPARC's compressed format."""
SAVE_AGAIN = "save it by cryosparc-tools: Dataset.load(file).save(new_file)"
HEADER_LIMIT = 10_000_000
"""Largest header, in characters: particles of hundreds of classes have some 100,000."""


def read_fields(path: Path, passthrough: PathLike, needed: Sequence[str]) -> Fields:
    """All fields of a file and, if some are missing, those of the passthrough file of its job.

    Parameters
    ----------
    path
        Particles of a job.
    passthrough
        File with the fields that the job passed through. Where left out and a field is missing,
        the only `*passthrough_particles*.cs` in the folder is taken.
    needed
        Fields that must be there; `SHAPE` beside them is looked for, too.

    Raises
    ------
    InputError
        If a file is missing or of another kind, the passthrough file holds other particles, or
        a needed field is missing and no passthrough file is found.
    """
    main = read_table(path)
    fields = {name: main[name] for name in main.dtype.names}
    absent = [name for name in needed if name not in fields]
    beside = sorted(path.parent.glob("*passthrough_particles*.cs"))
    if not passthrough and absent and (len(beside) != 1 or beside[0] == path):
        raise InputError(
            f"expected the field {absent[0]} in {path}, not found, and {len(beside)} passthrough "
            "files stand beside it: give the one of its job by --passthrough"
        )
    if passthrough or absent:
        other = Path(passthrough) if passthrough else beside[0]
        fields.update(_joined(main, read_table(other), path, other))
    return fields


def read_table(path: Path) -> np.ndarray:
    """The particles of a file with all of their fields, (n,).

    Raises
    ------
    InputError
        If it is missing, of another kind, in CryoSPARC's compressed format, or holds Python
        objects.
    """
    check_file(path)
    try:
        with path.open("rb") as stream:
            _check_format(path, stream.read(len(MAGIC)))
        values = np.load(  # numpy's own types lack the size in some versions
            path, "r", allow_pickle=False, max_header_size=HEADER_LIMIT
        )  # type: ignore[call-arg, unused-ignore]
    except InputError:
        raise
    except UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if "Python objects" in reason:
            raise InputError(
                f"{path} holds Python objects, which are not read because they may carry code: "
                f"{SAVE_AGAIN}"
            ) from None
        raise InputError(
            f"expected a .cs file as numpy reads it, but {path} is none ({reason[:80]}): export "
            "the job's particles again"
        ) from None
    if values.dtype.names is None:
        raise InputError(f"expected particles with named fields in {path}, found plain numbers")
    for name in KINDS.keys() & set(values.dtype.names):
        check_kind(path, name, values.dtype[name], *KINDS[name])
    return values.reshape(-1)


def check_kind(
    path: Path, name: str, dtype: np.dtype, kinds: str = NUMBER, shape: Tuple[int, ...] = ()
) -> None:
    """Check that a field holds, of each particle, values of some kinds of type in a shape.

    Raises
    ------
    InputError
        If it does not.
    """
    if dtype.base.kind not in kinds or dtype.shape != shape:
        what = {TEXT: "text", WHOLE: "whole numbers", NUMBER: "numbers"}[kinds]
        raise InputError(
            f"expected {what} of shape {shape} in the field {name} of {path}, found {dtype}: "
            "export the job's particles again"
        )


def _check_format(path: Path, magic: bytes) -> None:
    if magic == COMPRESSED:
        raise InputError(f"{path} is in CryoSPARC's compressed format: {SAVE_AGAIN}")
    if magic != MAGIC:
        raise InputError(
            f"expected a .cs file as numpy reads it, but {path} is none: export the job's "
            "particles again"
        )


def _joined(main: np.ndarray, other: np.ndarray, path: Path, other_path: Path) -> Fields:
    """Fields of `other` that `main` lacks, in the order of `main`."""
    for values, name in ((main, path), (other, other_path)):
        if "uid" not in values.dtype.names:
            raise InputError(f"expected the field uid in {name}, not found: export it again")
    found = match_uids(main, other)
    absent = int((found < 0).sum())
    if absent:
        raise InputError(
            f"{absent} of {len(main)} particles of {path} are not in {other_path}: give the "
            "passthrough file of the same job"
        )
    names = [name for name in other.dtype.names if name not in main.dtype.names]
    return {name: other[name][found] for name in names}


def match_uids(main: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Row in `other` of each particle of `main`, (n,), by their field uid; -1 where it has none."""
    if not len(other):
        return np.full(len(main), -1)
    order = np.argsort(other["uid"], kind="stable")
    index = np.searchsorted(other["uid"], main["uid"], sorter=order)
    found = order[np.minimum(index, len(order) - 1)]
    return np.where(other["uid"][found] == main["uid"], found, -1)


def centers_and_shapes(fields: Fields) -> Tuple[np.ndarray, np.ndarray]:
    """Where particles were picked, (n, 2), px, and rows and columns of their micrographs, (n, 2).

    CryoSPARC counts rows as they lie in the file of the micrograph. Where the shape is unknown it
    is 1 x 1, and the centres are parts of the micrograph's sides.
    """
    fractions = np.stack([fields[name] for name in CENTER], axis=1).astype(np.float64)
    shapes = np.ones(fractions.shape, dtype=np.int64)
    if SHAPE in fields:
        given = np.asarray(fields[SHAPE], dtype=np.int64).reshape(-1, 2)
        shapes = np.where((given > 0).all(axis=1, keepdims=True), given, shapes)
    with np.errstate(over="ignore"):
        return fractions * shapes, shapes


def shifts_yx(
    path: Path, fields: Fields, kind: str, pixel_sizes: np.ndarray, remedy: str
) -> np.ndarray:
    """Shifts in Å, (n, 2), to be subtracted from the places of particles.

    Parameters
    ----------
    path
        The file, for messages.
    fields
        Its fields.
    kind
        The alignment, such as alignments3D; without its shifts, they are zero.
    pixel_sizes
        Å/px of the images that were aligned, (n,); NaN where unknown.
    remedy
        What to do where shifts are in px of an unknown size.

    Raises
    ------
    InputError
        If shifts are in px of an unknown size.
    """
    if f"{kind}/shift" not in fields:
        return np.zeros((len(pixel_sizes), 2))
    pixels = np.asarray(fields[f"{kind}/shift"], dtype=np.float64)[:, ::-1]
    if np.isnan(pixel_sizes[(pixels != 0).any(axis=1)]).any():
        raise InputError(f"{path} does not say the pixel size of its shifts: {remedy}")
    with np.errstate(over="ignore", invalid="ignore"):
        return pixels * np.nan_to_num(pixel_sizes)[:, None]


def micrograph_names(paths: np.ndarray) -> Tuple[str, ...]:
    """Names of the micrographs at the paths of a field, (n,)."""
    unique, index = np.unique(paths, return_inverse=True)
    names = [micrograph_name(text_of(path)) for path in unique]
    return tuple(names[i] for i in index.reshape(-1))


def text_of(value: object) -> str:
    """A cell of text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def first_field(fields: Fields, names: Sequence[str]) -> np.ndarray:
    """The first of the fields that is there, (n,), else NaN."""
    named = next((name for name in names if name in fields), None)
    count = len(next(iter(fields.values())))
    return np.full(count, np.nan) if named is None else np.asarray(fields[named], dtype=np.float64)
