# SPDX-License-Identifier: GPL-3.0-or-later
"""STAR file of the masks of particle images, written and read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Sequence

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.particles.record import ParticleImages
from cryosegment.exchange.particles.relion import IMAGE_SIZE, optics_groups
from cryosegment.exchange.particles.stacks import Named, parse_image_names
from cryosegment.exchange.relion import (
    ANGLES,
    IMAGE,
    MICROGRAPH,
    OPTICS_GROUP,
    PIXEL_SIZE,
    SHIFT,
    read_relion_blocks,
    read_relion_table,
)
from cryosegment.exchange.star import Cell, write_star

MASKS_NAME = "masks.star"
"""What `labels project` calls it."""
ORIGINAL = "rlnImageOriginalName"


@dataclass(frozen=True, eq=False)
class ParticleMasks:
    """Masks of particle images, one a row.

    Parameters
    ----------
    images, masks
        Stack of each image, as its list named it, and of each mask.
    image_positions, mask_positions
        Numbers in these, (n,), from 0.
    micrographs
        Name of the micrograph of each.
    pixel_sizes
        Å/px, (n,).
    """

    images: Named
    image_positions: np.ndarray
    masks: Named
    mask_positions: np.ndarray
    micrographs: Named
    pixel_sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.pixel_sizes)


def read_particle_masks(path: PathLike) -> ParticleMasks:
    """The masks that a file written by `write_particle_masks` names.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or is not such a file.
    """
    blocks = read_relion_blocks(path)
    block = blocks.get("particles")
    if block is None or IMAGE not in block or ORIGINAL not in block or MICROGRAPH not in block:
        raise InputError(
            f"expected masks with their images in {path}, found another file: give a folder made "
            "by `cryosegment labels project`"
        )
    numbers = (*PIXEL_SIZE, OPTICS_GROUP)
    table = read_relion_table(path, blocks, block, (numbers, (IMAGE, ORIGINAL, MICROGRAPH)))
    masks, mask_positions = parse_image_names(table.texts[IMAGE])
    images, image_positions = parse_image_names(table.texts[ORIGINAL])
    micrographs = Named.of(table.texts[MICROGRAPH])
    return ParticleMasks(
        images, image_positions, masks, mask_positions, micrographs, table.pixel_sizes()
    )


def write_particle_masks(path: PathLike, images: ParticleImages, masks: Sequence[str]) -> None:
    """Write the mask of each particle image, in the columns of RELION 3.1.

    Parameters
    ----------
    path
        File to make.
    images
        The particle images; their names become `_rlnImageOriginalName`.
    masks
        Name of the mask of each, `_rlnImageName`.
    """
    particles = images.particles
    keys = np.stack((particles.pixel_sizes, images.box_sizes), axis=1)
    kinds, groups = np.unique(keys, axis=0, return_inverse=True)
    optics = optics_groups(kinds[:, 0])
    optics[IMAGE_SIZE] = [int(size) for size in kinds[:, 1]]
    optics["rlnImageDimensionality"] = [2] * len(kinds)
    columns: Dict[str, Sequence[Cell]] = {
        IMAGE: list(masks),
        ORIGINAL: list(images.names),
        MICROGRAPH: list(particles.micrographs),
        OPTICS_GROUP: [int(group) + 1 for group in groups.reshape(-1)],
    }
    poses = np.hstack((particles.angles, particles.shifts_yx)).T
    named = zip((*ANGLES, *SHIFT), poses)
    columns.update({name: [float(value) for value in values] for name, values in named})
    write_star(Path(path), {"optics": optics, "particles": columns})
