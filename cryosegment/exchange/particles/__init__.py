# SPDX-License-Identifier: GPL-3.0-or-later
"""Refined particles: where they are on their micrographs and how they are turned.

Everything is kept in RELION's convention; other conventions are converted here and nowhere else.
"""

from cryosegment.exchange.particles.files import ParticleFile, open_particles
from cryosegment.exchange.particles.masks import (
    MASKS_NAME,
    ParticleMasks,
    read_particle_masks,
    write_particle_masks,
)
from cryosegment.exchange.particles.poses import Poses, read_poses
from cryosegment.exchange.particles.readers import (
    is_cryosparc,
    read_particle_images,
    read_particles,
)
from cryosegment.exchange.particles.record import UNCLASSIFIED, ParticleImages, Particles
from cryosegment.exchange.particles.relion import write_particles
from cryosegment.exchange.particles.rotations import (
    angles_from_matrices,
    matrices_from_vectors,
    poses_from_transforms,
)
from cryosegment.exchange.particles.split import split_by_micrograph
from cryosegment.exchange.particles.stacks import Named, ParticleStacks

__all__ = [
    "MASKS_NAME",
    "UNCLASSIFIED",
    "Named",
    "ParticleFile",
    "ParticleImages",
    "ParticleMasks",
    "ParticleStacks",
    "Particles",
    "Poses",
    "angles_from_matrices",
    "is_cryosparc",
    "matrices_from_vectors",
    "open_particles",
    "poses_from_transforms",
    "read_particle_images",
    "read_particle_masks",
    "read_particles",
    "read_poses",
    "split_by_micrograph",
    "write_particle_masks",
    "write_particles",
]
