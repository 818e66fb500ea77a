# SPDX-License-Identifier: GPL-3.0-or-later
"""Orientations of particles: uniform, or gathered about a preferred view."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.optics.projection import random_angles, rotation_matrices
from cryosegment.exchange.params import SimulateParams


def draw_angles(
    params: SimulateParams, count: int, generator: torch.Generator
) -> Float[Tensor, "n 3"]:
    """rot, tilt, psi of particles, degrees: `params.preferred` of them about the preferred view."""
    angles = random_angles(count, generator)
    if params.preferred == 0:
        return angles
    gathered = preferred_angles(count, params.preferred_view, params.preferred_spread, generator)
    chosen = torch.rand(count, 1, generator=generator, device=generator.device) < params.preferred
    return torch.where(chosen, gathered, angles)


def preferred_angles(
    count: int, view: tuple[float, float], spread: float, generator: torch.Generator
) -> Float[Tensor, "n 3"]:
    """rot, tilt, psi in degrees, the view directions gathered about one; psi is uniform.

    Parameters
    ----------
    count
        Number of orientations.
    view
        rot and tilt of the preferred view, degrees.
    spread
        Standard deviation along each of the two angles about it, degrees.
    generator
        Source of the angles.

    Notes
    -----
    The von Mises-Fisher distribution on the sphere, concentration 1 / spread^2 (Fisher, Proc.
    R. Soc. A 217 (1953), 295-305).
    """
    uniform = torch.rand(count, 3, generator=generator, device=generator.device)
    kappa = 1 / math.radians(spread) ** 2
    rest = math.exp(-2 * kappa)
    cosine = 1 + torch.log(uniform[:, 0] * (1 - rest) + rest + 1e-30) / kappa
    cosine = cosine.clamp(-1, 1)
    sine, around = (1 - cosine**2).sqrt(), 2 * math.pi * uniform[:, 1]
    about_z = torch.stack((sine * around.cos(), sine * around.sin(), cosine), dim=1)
    # The view direction of a rotation A is its third row, A^T z.
    turn = rotation_matrices(uniform.new_tensor([[*view, 0.0]]))[0]
    x, y, z = (about_z @ turn).unbind(dim=1)
    rot, tilt = torch.atan2(y, x), torch.arccos(z.clamp(-1, 1))
    return torch.stack((rot.rad2deg(), tilt.rad2deg(), 360 * uniform[:, 2] - 180), dim=1)
