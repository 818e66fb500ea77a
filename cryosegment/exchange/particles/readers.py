# SPDX-License-Identifier: GPL-3.0-or-later
"""Refined particles from a file of any program."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.particles.cryosparc import read_cryosparc
from cryosegment.exchange.particles.record import Particles
from cryosegment.exchange.particles.relion import read_relion


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
        CryoSPARC's passthrough file of the same job; looked for where left out and needed.
    score
        Column or field that scores the poses; left out, one that is usual.
    pixel_size
        Å/px of the particle images; wins over the file's.

    Raises
    ------
    InputError
        If a file is missing, of another kind, empty, or lacks poses or coordinates.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"particles {path} do not exist: check the path")
    if path.suffix.lower() == ".cs":
        particles = read_cryosparc(path, passthrough, score, pixel_size)
    elif path.suffix.lower() == ".star":
        particles = read_relion(path, score, pixel_size)
    else:
        raise InputError(f"expected particles as .star or .cs, got {path}: export them so")
    if not len(particles):
        raise InputError(f"{path} holds no particles: give a class or selection that has some")
    _check_pixel_sizes(path, particles)
    return particles


def _check_pixel_sizes(path: Path, particles: Particles) -> None:
    wrong = (particles.pixel_sizes <= 0) & np.isfinite(particles.pixel_sizes)
    if wrong.any():
        raise InputError(
            f"particle {particles.rows[wrong][0]} of {path} has pixel size "
            f"{particles.pixel_sizes[wrong][0]:g}: give --particle-pixel-size"
        )
