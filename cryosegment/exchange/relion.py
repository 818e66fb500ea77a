# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of RELION: their columns, optics groups, and the signs of values that are not set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, micrograph_name
from cryosegment.exchange.star import Block, read_star

MICROGRAPH, IMAGE = "rlnMicrographName", "rlnImageName"
CENTER = ("rlnCoordinateY", "rlnCoordinateX")
ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
SHIFT = ("rlnOriginYAngst", "rlnOriginXAngst")
SHIFT_PX = ("rlnOriginY", "rlnOriginX")
PIXEL_SIZE = ("rlnImagePixelSize", "rlnPixelSize")
MAGNIFICATION = ("rlnDetectorPixelSize", "rlnMagnification")
CLASS, OPTICS_GROUP, DEPTH = "rlnClassNumber", "rlnOpticsGroup", "rlnCoordinateZ"
PLACE = (*CENTER, DEPTH, *SHIFT, *SHIFT_PX, *PIXEL_SIZE, *MAGNIFICATION, OPTICS_GROUP)
"""Columns with the positions of particles."""
FIGURE_OF_MERIT, SCORE = "rlnAutopickFigureOfMerit", "cryosegmentScore"
PICK_SCORES = (FIGURE_OF_MERIT, SCORE, "cryoloScore", "topazScore")
"""Scores of picking: RELION's, and those that Scipion's pickers give coordinates."""
POSE_SCORE = "rlnMaxValueProbDistribution"
DIAMETER, SHORT_DIAMETER = "cryosegmentDiameter", "cryosegmentShortDiameter"
CONTAMINATION = "cryosegmentContamination"
LONG_AXIS, SHORT_AXIS = "cryosegmentLongAxis", "cryosegmentShortAxis"
AXIS_ANGLE, ISOLATION = "cryosegmentAxisAngle", "cryosegmentIsolation"
FILAMENT = "cryosegmentFilament"
"""What picking measures: lengths in Å, angles in degrees."""
SCREENED, INTERFERENCE = "cryosegmentScreening", "cryosegmentInterference"
PICKED, PROBABILITY = "cryosegmentPicking", "cryosegmentProbability"
"""What screening finds: the probability of a particle by the box alone, that of interference, what
a picking model says of the place, and the probability by all these, the score and all picks."""
UNSET = (-999.0, -9999.0)
"""Values of RELION and crYOLO for an angle, score or class that is not set."""


@dataclass(frozen=True)
class RelionTable:
    """Columns of a table of RELION.

    Attributes
    ----------
    path
        Its file.
    count
        Number of rows.
    numbers, texts
        Columns that were asked for and are there.
    optics
        Columns of numbers of the table of optics groups.
    """

    path: Path
    count: int
    numbers: Dict[str, np.ndarray]
    texts: Dict[str, List[str]]
    optics: Dict[str, np.ndarray]

    def __contains__(self, column: str) -> bool:
        return column in self.numbers or column in self.texts

    def has(self, columns: Sequence[str]) -> bool:
        """Whether all columns are there."""
        return all(column in self for column in columns)

    def stacked(self, columns: Sequence[str]) -> np.ndarray:
        """Columns of numbers side by side, (n, columns); NaN where one is not finite."""
        values = np.stack([self.numbers[column] for column in columns], axis=1)
        return np.where(np.isfinite(values), values, np.nan)

    def known(self, columns: Sequence[str]) -> Optional[np.ndarray]:
        """The first of the columns that is there, (n,); NaN where it is not set."""
        named = next((column for column in columns if column in self.numbers), None)
        if named is None:
            return None
        values = self.numbers[named]
        is_known = np.isfinite(values)
        for unset in UNSET:  # a few comparisons take a fifth of the time of np.isin
            is_known &= values != unset
        return np.where(is_known, values, np.nan)

    def angles(self) -> np.ndarray:
        """Rot, tilt, psi in degrees, (n, 3); NaN where one is not set."""
        angles = self.stacked(ANGLES)
        return np.where(np.isin(angles, UNSET), np.nan, angles)

    def of_optics_groups(self, columns: Sequence[str]) -> Optional[np.ndarray]:
        """The first of the columns of the optics table that is there, (n,).

        Raises
        ------
        InputError
            If a row is of a group that the table does not have.
        """
        named = next((column for column in columns if column in self.optics), None)
        if named is None or OPTICS_GROUP not in self or OPTICS_GROUP not in self.optics:
            return None
        values = dict(zip(self.optics[OPTICS_GROUP].tolist(), self.optics[named].tolist()))
        groups, index = np.unique(self.numbers[OPTICS_GROUP], return_inverse=True)
        unknown = [group for group in groups.tolist() if group not in values]
        if unknown:
            raise InputError(
                f"optics group {unknown[0]:g} in {self.path} is not in its optics table: "
                "export the file again"
            )
        return np.array([values[group] for group in groups.tolist()])[index.reshape(-1)]

    def micrographs(self) -> List[str]:
        """Names from the micrographs' column, else from the stacks that are named after them.

        Raises
        ------
        InputError
            If neither is there.
        """
        for column in (MICROGRAPH, IMAGE):
            if column in self.texts:
                texts = self.texts[column]
                stacks = {text: text.rsplit("@", 1)[-1] for text in set(texts)}
                names = {stack: micrograph_name(stack) for stack in set(stacks.values())}
                return [names[stacks[text]] for text in texts]
        raise InputError(
            f"expected the column {MICROGRAPH} in {self.path}, not found: nothing says which "
            "micrographs the particles lie on"
        )

    def pixel_sizes(self) -> np.ndarray:
        """Å/px of the particle images, (n,); NaN where nothing says it.

        The optics groups say it, the particles, or detector (µm) and magnification.
        """
        grouped = self.of_optics_groups(PIXEL_SIZE)
        if grouped is not None:
            return grouped
        own = self.known(PIXEL_SIZE)
        if own is None and self.has(MAGNIFICATION):
            detector, magnification = self.stacked(MAGNIFICATION).T
            own = 1e4 * detector / np.where(magnification > 0, magnification, np.nan)
        return np.full(self.count, np.nan) if own is None else own

    def shifts_yx(self, pixel_sizes: np.ndarray, remedy: str) -> np.ndarray:
        """Origin offsets in Å, (n, 2); zero where the file has none.

        Parameters
        ----------
        pixel_sizes
            Å/px of the particle images, (n,).
        remedy
            What to do where shifts are in px of an unknown size.

        Raises
        ------
        InputError
            If shifts are in px of an unknown size.
        """
        if self.has(SHIFT):
            return self.stacked(SHIFT)
        if not self.has(SHIFT_PX):
            return np.zeros((self.count, 2))
        pixels = self.stacked(SHIFT_PX)
        if np.isnan(pixel_sizes[(pixels != 0).any(axis=1)]).any():
            raise InputError(
                f"the shifts in {self.path} are in px, and the file does not say the pixel size "
                f"of the particles: {remedy}"
            )
        with np.errstate(over="ignore"):
            return pixels * np.where(np.isnan(pixel_sizes), 1.0, pixel_sizes)[:, None]


def read_relion_blocks(path: PathLike) -> Dict[str, Block]:
    """Tables of a STAR file of single particles.

    Raises
    ------
    InputError
        If the file cannot be read, or is of tomograms.
    """
    blocks = read_star(path)
    if any(column.startswith("rlnTomo") for block in blocks.values() for column in block):
        raise _tomograms(path)
    return blocks


def read_relion_table(
    path: PathLike,
    blocks: Mapping[str, Block],
    block: Block,
    columns: Tuple[Sequence[str], Sequence[str]],
) -> RelionTable:
    """What is asked for of a table of RELION.

    Parameters
    ----------
    path
        The file.
    blocks
        Its tables, of which `optics` is that of the optics groups.
    block
        The table.
    columns
        Columns of numbers, of it or of its optics groups, and its columns of text.

    Raises
    ------
    InputError
        If a column of numbers holds text, or the particles are of tomograms.
    """
    numbers, texts = block.read(*columns)
    if np.nan_to_num(numbers.get(DEPTH, np.empty(0))).any():
        raise _tomograms(path)
    optics = blocks.get("optics")
    groups = {} if optics is None or optics is block else optics.read(columns[0])[0]
    return RelionTable(Path(path), block.count, numbers, texts, groups)


def project_file(path: Path, name: str, what: str) -> Path:
    """File that a list of RELION names.

    Its path begins in the folder of the project: the current one, or one above the list.

    Parameters
    ----------
    path
        The list.
    name
        The file, as the list has it; its folders may be separated as on Windows.
    what
        What the file is, for messages.

    Raises
    ------
    InputError
        If it is not there.
    """
    folders = (Path(), *path.absolute().parents)
    files = (folder / name.replace("\\", "/") for folder in folders)
    found = next(filter(os.path.isfile, files), None)  # false for names that are too long, too
    if found is None:
        raise InputError(
            f"the {what} {name} of {path} is neither in the current folder nor in one above the "
            "list: run the command in the folder of the project"
        )
    return found


def _tomograms(path: PathLike) -> InputError:
    return InputError(
        f"{path} holds particles of tomograms, with three coordinates: give particles of "
        "micrographs"
    )
