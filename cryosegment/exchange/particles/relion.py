# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle STAR files of RELION: 3.0 (no optics, shifts in px) and 3.1 or later."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.particles.record import UNCLASSIFIED, ParticleImages, Particles
from cryosegment.exchange.relion import (
    ANGLES,
    CENTER,
    CLASS,
    FIGURE_OF_MERIT,
    IMAGE,
    MICROGRAPH,
    OPTICS_GROUP,
    PICK_SCORES,
    PIXEL_SIZE,
    PLACE,
    POSE_SCORE,
    SHIFT,
    RelionTable,
    read_relion_blocks,
    read_relion_table,
)
from cryosegment.exchange.star import Block, Cell, write_star

IMAGE_SIZE = "rlnImageSize"
MICROGRAPH_PIXEL_SIZE = ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize")
"""The pixel size of the averages is preferred to that of the movies, which may be binned."""
SCORES = (POSE_SCORE, *PICK_SCORES)
"""The score of a refinement is preferred to those of picking, which do not score poses."""
NUMBERS = (*PLACE, *ANGLES, CLASS, IMAGE_SIZE, *MICROGRAPH_PIXEL_SIZE)


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
        If a column that is needed is missing or holds text, if shifts are in px and nobody
        says the pixel size, or if the particles are of tomograms.
    """
    blocks = read_relion_blocks(path)
    block = particle_block(path, blocks)
    _check_columns(path, block, (*ANGLES, *CENTER))
    scores = _score_columns(path, block, score)
    named = MICROGRAPH if MICROGRAPH in block else IMAGE
    table = read_relion_table(path, blocks, block, ((*NUMBERS, *scores), (named,)))
    return _particles(table, scores, pixel_size)


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
    blocks = read_relion_blocks(path)
    block = particle_block(path, blocks)
    if IMAGE not in block:
        raise InputError(
            f"expected the column {IMAGE} in {path}, not found: give particles that were extracted"
        )
    _check_columns(path, block, ANGLES)
    scores = _score_columns(path, block, score)
    table = read_relion_table(path, blocks, block, ((*NUMBERS, *scores), (MICROGRAPH, IMAGE)))
    sizes = table.of_optics_groups((IMAGE_SIZE,))
    sizes = np.zeros(table.count) if sizes is None else np.nan_to_num(sizes)
    particles = _particles(table, scores, pixel_size)
    return ParticleImages(particles, tuple(table.texts[IMAGE]), sizes)


def _particles(table: RelionTable, scores: Sequence[str], pixel_size: Optional[float]) -> Particles:
    if pixel_size is None:
        pixel_sizes = table.pixel_sizes()
    else:
        pixel_sizes = np.full(table.count, float(pixel_size))
    of_micrographs = table.of_optics_groups(MICROGRAPH_PIXEL_SIZE)
    unknown = np.full(table.count, np.nan)
    classes, found = table.known((CLASS,)), table.known(scores)
    return Particles(
        micrographs=tuple(table.micrographs()),
        centers_yx=table.stacked(CENTER) if table.has(CENTER) else np.stack([unknown] * 2, 1),
        angles=table.angles(),
        shifts_yx=table.shifts_yx(pixel_sizes, "give --particle-pixel-size"),
        pixel_sizes=pixel_sizes,
        scores=unknown if found is None else found,
        rows=np.arange(1, table.count + 1),
        shapes=np.zeros((table.count, 2)),
        classes=np.nan_to_num(unknown if classes is None else classes, nan=UNCLASSIFIED),
        micrograph_pixel_sizes=np.empty(0) if of_micrographs is None else of_micrographs,
    )


def particle_block(path: PathLike, blocks: Mapping[str, Block]) -> Block:
    """The block with poses; without any, the one with coordinates.

    Raises
    ------
    InputError
        If there is neither.
    """
    for needed in (ANGLES, CENTER):
        for name, block in blocks.items():
            if name != "optics" and all(column in block for column in needed):
                return block
    raise InputError(f"expected particles with {', '.join(ANGLES)} in {path}, found none")


def _check_columns(path: PathLike, block: Block, needed: Sequence[str]) -> None:
    absent = next((column for column in needed if column not in block), None)
    if absent in ANGLES:
        raise InputError(
            f"expected the column {absent} in {path}, not found: the particles have no "
            "orientations, give those of a 3-D refinement"
        )
    if absent is not None:
        raise InputError(
            f"expected the column {absent} in {path}, not found: the poses have no "
            "coordinates, give the particles as they were extracted from micrographs"
        )


def _score_columns(path: PathLike, block: Block, score: str) -> Tuple[str, ...]:
    """Columns that may score the poses, the first that is there counts."""
    wanted = (score, f"rln{score}") if score else SCORES
    if score and not any(column in block for column in wanted):
        raise InputError(f"expected the column {score} in {path}, not found: check --score")
    return tuple(column for column in wanted if column in block)[:1]


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
        MICROGRAPH: list(particles.micrographs),
        OPTICS_GROUP: [int(group) + 1 for group in groups],
    }
    if np.isfinite(particles.scores).any():
        columns[FIGURE_OF_MERIT] = [float(score) for score in particles.scores]
    if (particles.classes != UNCLASSIFIED).any():
        columns[CLASS] = [int(number) for number in particles.classes]
    named = zip((*CENTER, *ANGLES, *SHIFT), np.hstack(_poses(particles)).T)
    columns.update({name: [float(value) for value in values] for name, values in named})
    write_star(Path(path), {"optics": optics_groups(sizes), "particles": columns})


def optics_groups(pixel_sizes: np.ndarray) -> Dict[str, Sequence[Cell]]:
    """Optics table with a group, from 1, for each pixel size."""
    numbers_from_1 = list(range(1, len(pixel_sizes) + 1))
    return {
        OPTICS_GROUP: numbers_from_1,
        "rlnOpticsGroupName": [f"opticsGroup{i}" for i in numbers_from_1],
        PIXEL_SIZE[0]: [float(size) for size in pixel_sizes],
    }


def _poses(particles: Particles) -> List[np.ndarray]:
    return [particles.centers_yx, particles.angles, particles.shifts_yx]
