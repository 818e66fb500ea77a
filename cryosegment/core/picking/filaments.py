# SPDX-License-Identifier: GPL-3.0-or-later
"""Candidates on filaments: what is long, straight and thin is no row of particles."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from cryosegment.core.picking.centers import ParticleMaps

PARTICLE, CONTAMINATION = 0.1, 0.05
"""Smallest probabilities of pixels that count as filled: the beads of a filament may be particle to
the network, and what connects them contamination."""
LENGTH, SIDE = 3.5, 0.4
"""Length of a straight piece of a filament, and the distance of its flanks, in diameters."""
FULL, EMPTY = 0.9, 0.1
"""Smallest filled share of that piece, and largest of each flank. Rows of particles have less or
more. All were chosen on the simulated filaments of docs/benchmarks/picking.md, so that no particle
of EMPIAR-10017 is lost."""
STEP, TURN = 0.1, 7.5
"""Between the points that are looked at, in diameters, and the directions, in degrees."""


def on_filaments(
    maps: ParticleMaps, centers_yx: Float[Tensor, "n 2"], diameter_px: float
) -> Bool[np.ndarray, " n"]:
    """Which candidates lie on a piece of a filament, whichever its direction.

    Parameters
    ----------
    maps
        Of the micrograph, the particle map after the CRF.
    centers_yx
        px, inside the maps.
    diameter_px
        Of the particles.
    """
    filled = (maps.particle >= PARTICLE) | (maps.contamination >= CONTAMINATION)
    rim = int(np.ceil((LENGTH + SIDE + 1) * diameter_px))
    wide = np.pad(filled.cpu().numpy(), rim)
    centers = np.rint(centers_yx.cpu().numpy()).astype(int) + rim
    turns = np.deg2rad(np.arange(0, 180, TURN))
    ahead = np.stack((np.sin(turns), np.cos(turns)), axis=1)[:, None]
    beside = SIDE * np.stack((ahead[..., 1], -ahead[..., 0]), axis=2)
    line = np.arange(-LENGTH, LENGTH + STEP / 2, STEP)[:, None] * ahead
    found = np.zeros(len(centers), bool)
    is_full = _shares(wide, centers, line * diameter_px) >= FULL
    some = np.flatnonzero(is_full.any(axis=(1, 2)))
    flanks = (_shares(wide, centers[some], (line + way * beside) * diameter_px) for way in (1, -1))
    is_free = np.logical_and(*(shares <= EMPTY for shares in flanks))
    found[some] = (is_full[some] & is_free).any(axis=(1, 2))
    return found


def _shares(
    filled: Bool[np.ndarray, "h w"], centers: np.ndarray, line: Float[np.ndarray, "turns steps 2"]
) -> Float[np.ndarray, "n turns windows"]:
    """Filled share of each piece of lines through centres that holds the centre."""
    rows, columns = np.moveaxis(centers[:, None, None] + np.rint(line).astype(int), -1, 0)
    count = line.shape[1] // 2
    sums = np.cumsum(filled[rows, columns], axis=2, dtype=np.int32)
    return (sums[..., count:] - sums[..., : sums.shape[2] - count]) / count
