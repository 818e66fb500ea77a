# SPDX-License-Identifier: GPL-3.0-or-later
"""STAR file of the masks of particle images."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Sequence

import numpy as np

from cryosegment.exchange.files import PathLike
from cryosegment.exchange.particles.record import ParticleImages
from cryosegment.exchange.particles.relion import IMAGE_SIZE, optics_groups
from cryosegment.exchange.relion import ANGLES, IMAGE, MICROGRAPH, OPTICS_GROUP, SHIFT
from cryosegment.exchange.star import Cell, write_star


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
        "rlnImageOriginalName": list(images.names),
        MICROGRAPH: list(particles.micrographs),
        OPTICS_GROUP: [int(group) + 1 for group in groups.reshape(-1)],
    }
    poses = np.hstack((particles.angles, particles.shifts_yx)).T
    named = zip((*ANGLES, *SHIFT), poses)
    columns.update({name: [float(value) for value in values] for name, values in named})
    write_star(Path(path), {"optics": optics, "particles": columns})
