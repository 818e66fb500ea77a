# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates of RELION: STAR files of one micrograph or many, and lists of such files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

import numpy as np

from cryosegment.exchange.cells import numbers
from cryosegment.exchange.coordinates.columns import by_micrograph, places
from cryosegment.exchange.coordinates.record import Coordinates, Picked
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.names import name_of_picks
from cryosegment.exchange.relion import (
    ANGLES,
    AXIS_ANGLE,
    CENTER,
    CLASS,
    CONTAMINATION,
    DIAMETER,
    FIGURE_OF_MERIT,
    FILAMENT,
    IMAGE,
    ISOLATION,
    LONG_AXIS,
    MICROGRAPH,
    PICK_SCORES,
    PLACE,
    SHIFT,
    SHIFT_PX,
    SHORT_AXIS,
    SHORT_DIAMETER,
    UNSET,
    project_file,
    read_relion_blocks,
    read_relion_table,
)
from cryosegment.exchange.star import Block, Cell, read_star, write_parts, write_star

OF_PICKS = {
    "contamination": CONTAMINATION,
    "long_axes": LONG_AXIS,
    "short_axes": SHORT_AXIS,
    "axis_angles": AXIS_ANGLE,
    "isolations": ISOLATION,
    "filaments": FILAMENT,
}
"""Columns of what picking measures of each pick besides its diameter, by field."""
MEASURED = {"diameters": DIAMETER, "short_diameters": SHORT_DIAMETER, **OF_PICKS}
"""Columns of sizes and of what else is measured, by field."""
PSI = ANGLES[2]
FLIPPED = {
    **dict.fromkeys((ANGLES[0], "rlnAngleRotPrior"), (180.0, 1.0)),
    **dict.fromkeys((ANGLES[1], "rlnAngleTiltPrior"), (180.0, -1.0)),
    **dict.fromkeys((PSI, "rlnAnglePsiPrior"), (0.0, -1.0)),
    **dict.fromkeys((SHIFT[0], SHIFT_PX[0]), (0.0, -1.0)),
    **dict.fromkeys(("rlnOriginYPriorAngst", "rlnOriginYPrior"), (0.0, -1.0)),
    **dict.fromkeys((AXIS_ANGLE, "rlnDefocusAngle", "rlnBeamTiltY"), (0.0, -1.0)),
}
"""What becomes of a column of numbers where the y axis is turned: an offset, and a factor."""
LIST_BLOCK, LISTED = "coordinate_files", "rlnMicrographCoordinates"
HEAD = 4096
"""Bytes in which the block of a list of coordinate files begins."""

Columns = Dict[str, Sequence[Cell]]


def read_star_coordinates(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Coordinates of one micrograph, or of all that the particles name.

    If particles have origin offsets, as after a refinement, these are applied.
    """
    blocks = read_relion_blocks(path)
    block = coordinate_block(path, blocks)
    named = MICROGRAPH if MICROGRAPH in block else IMAGE
    wanted = (*PLACE, *PICK_SCORES, *MEASURED.values(), PSI)
    table = read_relion_table(path, blocks, block, (wanted, (named,)))
    centers_yx = places(path, **{column: table.numbers[column] for column in CENTER})
    sizes = table.pixel_sizes() if table.has(SHIFT_PX) else np.empty(0)
    shifts_yx = table.shifts_yx(sizes, "give particles of RELION 3.1 or later")
    known = {name: table.known((column,)) for name, column in MEASURED.items()}
    known.update(scores=table.known(PICK_SCORES), angles=table.known((PSI,)))
    given: Dict[str, Any] = {name: v for name, v in known.items() if v is not None}
    centers_yx = centers_yx - shifts_yx / pixel_size
    everything = Coordinates(centers_yx, pixel_size, name_of_picks(path), **given)
    if named in table and table.count:
        return by_micrograph(table.micrographs(), everything)
    return {everything.name: everything}


def coordinate_block(path: Path, blocks: Mapping[str, Block]) -> Block:
    """The first table of a STAR file that has coordinates.

    Raises
    ------
    InputError
        If none has.
    """
    for block in blocks.values():
        if all(column in block for column in CENTER):
            return block
    raise InputError(f"expected the columns rlnCoordinateX and rlnCoordinateY in {path}, not found")


def is_coordinate_list(path: Path) -> bool:
    """Whether a STAR file is a list of coordinate files, as RELION 4 and later write."""
    with path.open("rb") as stream:
        return f"data_{LIST_BLOCK}".encode() in stream.read(HEAD)


def listed_files(path: Path) -> List[Tuple[str, Path]]:
    """Micrograph and coordinate file of each row of a list of coordinate files.

    Paths start at the folder of the project.

    Raises
    ------
    InputError
        If a column or a file is missing.
    """
    block = read_star(path).get(LIST_BLOCK)
    if block is None or MICROGRAPH not in block or LISTED not in block:
        raise InputError(f"expected the columns {MICROGRAPH} and {LISTED} in {path}, not found")
    files = [project_file(path, name, "coordinate file") for name in block[LISTED]]
    return list(zip(block[MICROGRAPH], files))


def write_coordinate_list(path: PathLike, picks: Sequence[Picked]) -> None:
    """Write a list of the STAR files of the picks, as RELION 4 and later take it.

    Paths start at the current folder, which should be that of the project, if they are inside it.
    """
    columns = {
        MICROGRAPH: [_from_here(picked.micrograph) for picked in picks],
        LISTED: [_from_here(picked.file) for picked in picks],
    }
    write_star(path, {LIST_BLOCK: columns})


def _from_here(path: PathLike) -> str:
    here, absolute = Path.cwd(), Path(path).absolute()
    return (absolute.relative_to(here) if here in absolute.parents else Path(path)).as_posix()


def write_coordinates(path: PathLike, coordinates: Coordinates) -> None:
    """Write one micrograph's coordinates as a STAR file that RELION 3.1 and later read.

    Scores stand in `_rlnAutopickFigureOfMerit`, diameters (Å) in `_cryosegmentDiameter` and
    `_cryosegmentShortDiameter`, and what else picking measures in columns of that kind, where any
    is known.
    """
    write_star(path, {"": pick_columns(coordinates)})


def write_coordinates_star(
    path: PathLike, micrographs: Iterable[Tuple[PathLike, Coordinates]]
) -> None:
    """Write the coordinates of many micrographs as one STAR file that names them."""
    pairs = list(micrographs)
    names = {name: None for _, coordinates in pairs for name in pick_columns(coordinates)}
    parts = (
        {MICROGRAPH: [str(micrograph)] * len(coordinates), **pick_columns(coordinates)}
        for micrograph, coordinates in pairs
    )
    write_parts(path, (MICROGRAPH, *names), parts)


def pick_columns(coordinates: Coordinates) -> Columns:
    """Columns of the picks of a micrograph, by name: what is known of them."""
    columns: Columns = {
        CENTER[1]: coordinates.centers_yx[:, 1].tolist(),
        CENTER[0]: coordinates.centers_yx[:, 0].tolist(),
        CLASS: [0] * len(coordinates),
        PSI: np.nan_to_num(coordinates.angles).tolist(),
    }
    optional = {FIGURE_OF_MERIT: coordinates.scores}
    optional.update((column, getattr(coordinates, name)) for name, column in MEASURED.items())
    for column, values in optional.items():
        if np.isfinite(values).any():
            columns[column] = values.tolist()
    return columns


def flipped_columns(path: Path, columns: Columns, height: int) -> Columns:
    """Columns of a file with y counted from the last of `height` rows, or back.

    Shifts and angles change with y, as `Coordinates.flipped` and `Particles.flipped` say; cells
    that are not set stay as they are.

    Raises
    ------
    InputError
        If one that changes is text.
    """
    flipped = dict(columns)
    for name, (offset, factor) in {CENTER[0]: (height - 1.0, -1.0), **FLIPPED}.items():
        cells = columns.get(name, ())
        values = numbers(path, name, [str(cell) for cell in cells])
        is_set = np.isfinite(values) & ~np.isin(values, UNSET)
        turned = (offset + factor * values).tolist()
        if len(cells):
            flipped[name] = [
                new if known else old for old, new, known in zip(cells, turned, is_set)
            ]
    return flipped
