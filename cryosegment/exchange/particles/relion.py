# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle STAR files of RELION: 3.0 (no optics, shifts in px) and 3.1 or later."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, micrograph_name
from cryosegment.exchange.particles.columns import numbers, of_optics_groups, stacked
from cryosegment.exchange.particles.record import UNCLASSIFIED, ParticleImages, Particles
from cryosegment.exchange.star import Block, Cell, read_star, write_star

CENTER = ("rlnCoordinateY", "rlnCoordinateX")
ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
SHIFT = ("rlnOriginYAngst", "rlnOriginXAngst")
SHIFT_PX = ("rlnOriginY", "rlnOriginX")
IMAGE, IMAGE_SIZE = "rlnImageName", "rlnImageSize"
PIXEL_SIZE = ("rlnImagePixelSize", "rlnPixelSize")
MICROGRAPH_PIXEL_SIZE = ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize")
"""That of the averages before that of the movies, which may have been binned."""
CLASS = "rlnClassNumber"
SCORES = ("rlnMaxValueProbDistribution", "rlnAutopickFigureOfMerit", "cryosegmentScore")
"""That of a refinement before those of a picking, which know no poses."""


def read_relion(path: PathLike, score: str = "", pixel_size: Optional[float] = None) -> Particles:
    """Refined particles of a STAR file.

    Parameters
    ----------
    path
        File with coordinates and angles.
    score
        Column that scores the poses, with or without `rln`; by default the first of `SCORES`.
    pixel_size
        Å/px of the particle images; wins over the file's.

    Raises
    ------
    InputError
        If a column that is needed is missing or holds text, or if shifts are in px and nobody
        says the pixel size.
    """
    blocks = read_star(path)
    block = _particle_block(path, blocks)
    _check_columns(path, block)
    return _particles(path, blocks, block, score, pixel_size)


def read_relion_images(
    path: PathLike, score: str = "", pixel_size: Optional[float] = None
) -> ParticleImages:
    """Refined particles of a STAR file and their images.

    The parameters are those of `read_relion`; coordinates need not be there.

    Raises
    ------
    InputError
        As `read_relion`, or if the file names no images.
    """
    blocks = read_star(path)
    block = _particle_block(path, blocks)
    if IMAGE not in block:
        raise InputError(
            f"expected the column {IMAGE} in {path}, not found: give particles that were extracted"
        )
    if not all(column in block for column in CENTER):
        block = {**block, **{column: ["nan"] * len(block[IMAGE]) for column in CENTER}}
    _check_columns(path, block)
    particles = _particles(path, blocks, block, score, pixel_size)
    sizes = of_optics_groups(path, block, blocks.get("optics", {}), (IMAGE_SIZE,))
    sizes = np.zeros(len(particles)) if sizes is None else np.nan_to_num(sizes)
    return ParticleImages(particles, tuple(block[IMAGE]), sizes)


def _particles(
    path: PathLike,
    blocks: Mapping[str, Block],
    block: Block,
    score: str,
    pixel_size: Optional[float],
) -> Particles:
    count, optics = len(block[ANGLES[0]]), blocks.get("optics", {})
    if pixel_size is None:
        pixel_sizes = _pixel_sizes(path, block, optics, count)
    else:
        pixel_sizes = np.full(count, float(pixel_size))
    of_micrographs = of_optics_groups(path, block, optics, MICROGRAPH_PIXEL_SIZE)
    return Particles(
        micrographs=tuple(_micrographs(path, block)),
        centers_yx=stacked(path, block, CENTER),
        angles=stacked(path, block, ANGLES),
        shifts_yx=_shifts(path, block, pixel_sizes),
        pixel_sizes=pixel_sizes,
        scores=_scores(path, block, score, count),
        rows=np.arange(1, count + 1),
        shapes=np.zeros((count, 2)),
        classes=_classes(path, block, count),
        micrograph_pixel_sizes=np.empty(0) if of_micrographs is None else of_micrographs,
    )


def _particle_block(path: PathLike, blocks: Mapping[str, Block]) -> Block:
    """The block with poses; without any, the one with coordinates."""
    for needed in (ANGLES, CENTER):
        for name, block in blocks.items():
            if name != "optics" and all(column in block for column in needed):
                return block
    raise InputError(f"expected particles with {', '.join(ANGLES)} in {path}, found none")


def _check_columns(path: PathLike, block: Block) -> None:
    absent = [column for column in ANGLES if column not in block]
    if absent:
        raise InputError(
            f"expected the column {absent[0]} in {path}, not found: the particles have no "
            "orientations, give those of a 3-D refinement"
        )
    absent = [column for column in CENTER if column not in block]
    if absent:
        raise InputError(
            f"expected the column {absent[0]} in {path}, not found: the poses have no "
            "coordinates, give the particles as they were extracted from micrographs"
        )


def _micrographs(path: PathLike, block: Block) -> List[str]:
    """Names from the micrographs' column, else from the stacks that are named after them."""
    for column in ("rlnMicrographName", IMAGE):
        if column in block:
            texts = [text.rsplit("@", 1)[-1] for text in block[column]]
            names = {text: micrograph_name(text) for text in set(texts)}
            return [names[text] for text in texts]
    raise InputError(
        f"expected the column rlnMicrographName in {path}, not found: nothing says which "
        "micrographs the particles lie on"
    )


def _pixel_sizes(path: PathLike, block: Block, optics: Block, count: int) -> np.ndarray:
    """Å/px of the particle images, from the optics groups, the particles or the magnification."""
    grouped = of_optics_groups(path, block, optics, PIXEL_SIZE)
    if grouped is not None:
        return grouped
    named = next((column for column in PIXEL_SIZE if column in block), "")
    if named:
        return numbers(path, block, named)
    if "rlnDetectorPixelSize" in block and "rlnMagnification" in block:
        # detector pixels are given in µm
        detector = 1e4 * numbers(path, block, "rlnDetectorPixelSize")
        magnification = numbers(path, block, "rlnMagnification")
        return detector / np.where(magnification > 0, magnification, np.nan)
    return np.full(count, np.nan)


def _shifts(path: PathLike, block: Block, pixel_sizes: np.ndarray) -> np.ndarray:
    if all(column in block for column in SHIFT):
        return stacked(path, block, SHIFT)
    if not all(column in block for column in SHIFT_PX):
        return np.zeros((len(pixel_sizes), 2))
    pixels = stacked(path, block, SHIFT_PX)
    if np.isnan(pixel_sizes[(pixels != 0).any(axis=1)]).any():
        raise InputError(
            f"the shifts in {path} are in px, and the file does not say the pixel size of the "
            "particles: give --particle-pixel-size"
        )
    return pixels * np.where(np.isnan(pixel_sizes), 1.0, pixel_sizes)[:, None]


def _scores(path: PathLike, block: Block, score: str, count: int) -> np.ndarray:
    wanted = (score, f"rln{score}") if score else SCORES
    named = next((column for column in wanted if column in block), "")
    if score and not named:
        raise InputError(f"expected the column {score} in {path}, not found: check --score")
    return numbers(path, block, named) if named else np.full(count, np.nan)


def _classes(path: PathLike, block: Block, count: int) -> np.ndarray:
    if CLASS not in block:
        return np.full(count, UNCLASSIFIED)
    return np.nan_to_num(numbers(path, block, CLASS), nan=UNCLASSIFIED)


def write_particles(path: PathLike, particles: Particles) -> None:
    """Write refined particles as RELION 3.1 and later read them, one optics group a pixel size.

    Parameters
    ----------
    path
        File to make.
    particles
        Their coordinates are written as they are.
    """
    sizes, groups = np.unique(particles.pixel_sizes, return_inverse=True)
    columns: Dict[str, Sequence[Cell]] = {
        "rlnMicrographName": list(particles.micrographs),
        "rlnOpticsGroup": [int(group) + 1 for group in groups],
    }
    if np.isfinite(particles.scores).any():
        columns["rlnAutopickFigureOfMerit"] = [float(score) for score in particles.scores]
    if (particles.classes != UNCLASSIFIED).any():
        columns[CLASS] = [int(number) for number in particles.classes]
    named = zip((*CENTER, *ANGLES, *SHIFT), np.hstack(_poses(particles)).T)
    columns.update({name: [float(value) for value in values] for name, values in named})
    write_star(Path(path), {"optics": optics_groups(sizes), "particles": columns})


def optics_groups(pixel_sizes: np.ndarray) -> Dict[str, Sequence[Cell]]:
    """Optics table with a group, from 1, for each pixel size."""
    numbers_from_1 = list(range(1, len(pixel_sizes) + 1))
    return {
        "rlnOpticsGroup": numbers_from_1,
        "rlnOpticsGroupName": [f"opticsGroup{i}" for i in numbers_from_1],
        "rlnImagePixelSize": [float(size) for size in pixel_sizes],
    }


def _poses(particles: Particles) -> List[np.ndarray]:
    return [particles.centers_yx, particles.angles, particles.shifts_yx]
