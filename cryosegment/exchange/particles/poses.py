# SPDX-License-Identifier: GPL-3.0-or-later
"""How refined particles lie in their images, and the CTFs of these."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from cryosegment.exchange.cryosparc import read_fields
from cryosegment.exchange.ctf import CTF_NUMBERS, ctf_values
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.particles.readers import is_cryosparc, read_particle_images
from cryosegment.exchange.particles.relion import particle_block
from cryosegment.exchange.relion import read_relion_blocks, read_relion_table

PHASE_FLIPPED = "rlnCtfDataArePhaseFlipped"
CORRECTED = ("rlnCtfDataAreCtfPremultiplied", PHASE_FLIPPED)
"""Columns that say that the CTF is not in the images as it was recorded."""
FIELDS = (
    *("ctf/df1_A", "ctf/df2_A", "ctf/df_angle_rad", "ctf/accel_kv", "ctf/cs_mm"),
    *("ctf/amp_contrast", "ctf/phase_shift_rad"),
)
"""CryoSPARC's fields in the order of `CtfEstimate`."""
RADIANS = (2, 6)
"""Of these, the angles."""


@dataclass(frozen=True, eq=False)
class Poses:
    """Orientations, places and CTFs of particles, one in each row; NaN where unknown.

    Parameters
    ----------
    angles
        Rot, tilt, psi in degrees, (n, 3), RELION's convention.
    shifts_yx
        Origin offsets in Å, (n, 2): a particle lies at the middle of its image minus these.
    ctfs
        Values in the order of `CtfEstimate`, (n, 7).
    """

    angles: np.ndarray
    shifts_yx: np.ndarray
    ctfs: np.ndarray


def read_poses(
    path: PathLike, passthrough: PathLike = "", pixel_size: Optional[float] = None
) -> Poses:
    """Poses of the particles of a RELION .star or a CryoSPARC .cs file, with their CTFs.

    The parameters are those of `read_particles`.

    Raises
    ------
    InputError
        If a file cannot be read, lacks poses, images or CTFs, or says that the images are
        corrected for the CTF.
    """
    particles = read_particle_images(path, passthrough, pixel_size=pixel_size).particles
    if is_cryosparc(path):
        fields = read_fields(Path(path), passthrough, FIELDS)
        absent = next((name for name in FIELDS if name not in fields), None)
        if absent is not None:
            raise InputError(
                f"expected the field {absent} in {path} or its passthrough file, not found: give "
                "particles with CTFs"
            )
        ctfs = np.stack([np.asarray(fields[name], np.float64) for name in FIELDS], axis=1)
        ctfs[:, RADIANS] = np.degrees(ctfs[:, RADIANS])
    else:
        ctfs = _relion_ctfs(path)
    return Poses(particles.angles, particles.shifts_yx, ctfs)


def _relion_ctfs(path: PathLike) -> np.ndarray:
    blocks = read_relion_blocks(path)
    block = particle_block(path, blocks)
    table = read_relion_table(path, blocks, block, ((*CTF_NUMBERS, *CORRECTED), ()))
    for column in CORRECTED:
        values = table.of_optics_groups((column,))
        if values is not None and np.nan_to_num(values).any():
            raise InputError(
                f"expected images with the CTF as it was recorded, but {path} says {column}: "
                "extract them without the correction"
            )
    return ctf_values(table)
