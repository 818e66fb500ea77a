# SPDX-License-Identifier: GPL-3.0-or-later
"""The three classes of a particle image's pixels: signal, edge, background.

Notes
-----
As particleSeg has them: signal is the footprint of a particle, and edge the background whose square
neighbourhood touches it. There the square has 11 px in images of 256 x 256 px, so that the edge is
5 px wide, whatever the size of the particle; here it has 3 px at 24 px per particle diameter, so
that the edge is as wide as theirs around a particle that fills half of the box.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import max_pool2d

from cryosegment.core.networks.heads import Heads

SIGNAL, EDGE, BACKGROUND = range(3)
CLASSES = Heads(("signal", "edge", "background"))
"""Heads of a network that tells them apart; their softmax are the probabilities."""
GOOD = "good"
"""A further head: whether a good particle lies here, of which a sigmoid is the probability."""
PARTICLE_HEADS = Heads((*CLASSES, GOOD))

PIXELS_PER_DIAMETER = 24.0
"""Working scale of particle images, px."""
EDGE_SQUARE = 3
"""Side of the square at that scale, px."""
MIDDLE = 1
"""Quality is read within this many pixels of the middle."""


def class_map(instances: Int[Tensor, "n h w"], square: int = EDGE_SQUARE) -> Int[Tensor, "n h w"]:
    """Class of every pixel of some images.

    Parameters
    ----------
    instances
        0 is background, all else the particle that a pixel belongs to.
    square
        Side of the square neighbourhood, px, odd.
    """
    signal = (instances > 0).float()
    near = max_pool2d(signal, square, 1, square // 2)
    classes = torch.full_like(instances, BACKGROUND)
    classes[near > 0] = EDGE
    classes[signal > 0] = SIGNAL
    return classes


def middle_of(maps: Float[Tensor, "b h w"]) -> Float[Tensor, " b"]:
    """Mean of each map around its middle, the pixel of row h // 2 and column w // 2."""
    y, x = (length // 2 for length in maps.shape[-2:])
    window = maps[:, y - MIDDLE : y + MIDDLE + 1, x - MIDDLE : x + MIDDLE + 1]
    return window.mean((1, 2))
