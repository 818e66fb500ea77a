# SPDX-License-Identifier: GPL-3.0-or-later
"""Refined particles from a file of any program."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, check_file
from cryosegment.exchange.particles.cryosparc import read_cryosparc, read_cryosparc_images
from cryosegment.exchange.particles.record import ParticleImages, Particles
from cryosegment.exchange.particles.relion import read_relion, read_relion_images


def read_particles(
    path: PathLike,
    passthrough: PathLike = "",
    score: str = "",
    pixel_size: Optional[float] = None,
) -> Particles:
    """Refined particles of a RELION .star or a CryoSPARC .cs file.

    Parameters
    ----------
    path
        The file.
    passthrough
        CryoSPARC's passthrough file of the same job; if left out, it is searched when needed.
    score
        Column or field with the scores of the poses; if left out, the first that is known.
    pixel_size
        Å/px of the particle images; wins over the file's.

    Raises
    ------
    InputError
        If a file is missing, of another kind, empty, or lacks poses or coordinates.
    """
    if is_cryosparc(path):
        particles = read_cryosparc(path, passthrough, score, pixel_size)
    else:
        particles = read_relion(path, score, pixel_size)
    _check(Path(path), particles)
    return particles


def read_particle_images(
    path: PathLike,
    passthrough: PathLike = "",
    score: str = "",
    pixel_size: Optional[float] = None,
) -> ParticleImages:
    """Refined particles with their images, of a RELION .star or a CryoSPARC .cs file.

    The parameters are those of `read_particles`.

    Raises
    ------
    InputError
        If a file is missing, of another kind, empty, or lacks poses, images or pixel sizes.
    """
    if is_cryosparc(path):
        images = read_cryosparc_images(path, passthrough, score, pixel_size)
    else:
        images = read_relion_images(path, score, pixel_size)
    _check(Path(path), images.particles)
    if np.isnan(images.particles.pixel_sizes).any():
        raise InputError(
            f"{path} does not say the pixel size of the particle images: give --particle-pixel-size"
        )
    return images


def is_cryosparc(path: PathLike) -> bool:
    """Whether a particle file is CryoSPARC's, else RELION's."""
    path = Path(path)
    check_file(path)
    if path.suffix.lower() not in (".cs", ".star"):
        raise InputError(f"expected particles as .star or .cs, got {path}: export them so")
    return path.suffix.lower() == ".cs"


def _check(path: Path, particles: Particles) -> None:
    if not len(particles):
        raise InputError(f"{path} holds no particles: give a class or selection that has some")
    wrong = (particles.pixel_sizes <= 0) & np.isfinite(particles.pixel_sizes)
    if wrong.any():
        raise InputError(
            f"particle {particles.rows[wrong][0]} of {path} has pixel size "
            f"{particles.pixel_sizes[wrong][0]:g}: give --particle-pixel-size"
        )
