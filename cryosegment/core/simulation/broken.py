# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken particles of scenes: what is left of a view on one side of a cut."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

CUT, SLOPE = (-0.2, 0.15), (0.01, 0.2)
"""Where particles are cut, from their centre, and over how much the density falls: a cut along the
beam is sharp, an oblique one thins the particle out. In particle diameters."""


def break_views(
    density: Float[Tensor, "n p p"],
    shape: Float[Tensor, "n p p"],
    true_px: float,
    random: np.random.Generator,
) -> tuple[Float[Tensor, "n p p"], Float[Tensor, "n p p"]]:
    """Views of what is left of some particles on one side of a plane through each.

    Parameters
    ----------
    density, shape
        Of the whole ones, as `draw_views` gives them.
    true_px
        Their diameter, px.
    random
        Source of the planes.
    """
    count, side = density.shape[:2]
    angle, place, slope = (
        torch.from_numpy(random.uniform(*bounds, (count, 1, 1))).float()
        for bounds in ((0.0, 2 * math.pi), CUT, SLOPE)
    )
    steps = (torch.arange(side) - side // 2) / true_px
    height = angle.sin() * steps[:, None] + angle.cos() * steps
    kept = torch.sigmoid((height - place) / slope)
    return density * kept, shape * (kept > 0.5)
