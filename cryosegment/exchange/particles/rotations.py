# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations in other notations, as RELION's Euler angles.

A rotation is a matrix A that moves a point p (x, y, z) of the reference to A p in the particle
image, seen along z: A = Rz(psi) Ry(tilt) Rz(rot).
"""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np

# Below this sine of the tilt, rot and psi turn about one axis: rot is then 0.
_DEGENERATE = 1e-6
LARGEST_TURN = 1e6
"""Rotation vectors with larger components, in radians, are none."""


def angles_from_matrices(matrices: np.ndarray) -> np.ndarray:
    """Rot, tilt, psi of rotations, (n, 3), degrees; tilt lies in [0, 180].

    Parameters
    ----------
    matrices
        Rotations A, (n, 3, 3). The transform T that Scipion keeps holds their transpose.

    Notes
    -----
    Heymann, Chagoyen & Belnap, J. Struct. Biol. 151 (2005), 196-207.
    """
    a = np.asarray(matrices, dtype=np.float64).reshape(-1, 3, 3)
    sine = np.hypot(a[:, 2, 0], a[:, 2, 1])
    is_plain = sine > _DEGENERATE
    rot = np.where(is_plain, np.arctan2(a[:, 2, 1], a[:, 2, 0]), 0.0)
    tilt = np.arctan2(sine, a[:, 2, 2])
    in_plane = np.arctan2(a[:, 0, 1], np.sign(a[:, 2, 2]) * a[:, 0, 0])
    psi = np.where(is_plain, np.arctan2(a[:, 1, 2], -a[:, 0, 2]), in_plane)
    return np.rad2deg(np.stack((rot, tilt, psi), axis=1))


def matrices_from_vectors(vectors: np.ndarray) -> np.ndarray:
    """Rotations A of CryoSPARC's poses, (n, 3, 3).

    Parameters
    ----------
    vectors
        Rotation vectors, (n, 3): axis times angle in radians; they turn the image back onto the
        reference, so that A is the inverse of the rotation they name; NaN or huge where unknown.

    Notes
    -----
    Rodrigues' formula.
    """
    vectors = np.asarray(vectors, dtype=np.float64).reshape(-1, 3)
    vectors = np.where(np.abs(vectors) < LARGEST_TURN, vectors, np.nan)
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    x, y, z = (vectors / np.maximum(angle[:, :, 0], 1e-12)).T
    zero = np.zeros_like(x)
    cross = np.stack((zero, -z, y, z, zero, -x, -y, x, zero), axis=1).reshape(-1, 3, 3)
    return np.eye(3) - np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def poses_from_transforms(
    transforms: Sequence[np.ndarray], pixel_size: float
) -> Tuple[np.ndarray, np.ndarray]:
    """Rot, tilt, psi in degrees, (n, 3), and shifts in Å, (n, 2), in RELION's convention.

    Parameters
    ----------
    transforms
        Alignments as Scipion keeps them, (4, 4) each: the inverse rotation, and shifts in px.
    pixel_size
        Of the particle images, Å/px.
    """
    inverse = np.linalg.inv(np.array(transforms, dtype=np.float64).reshape(-1, 4, 4))
    return angles_from_matrices(inverse[:, :3, :3]), -inverse[:, 1::-1, 3] * pixel_size
