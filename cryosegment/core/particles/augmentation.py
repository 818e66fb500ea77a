# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of labelled particle images, turned and shifted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cryosegment.core.particles.classes import class_map
from cryosegment.core.particles.labelled import LabelledParticles
from cryosegment.core.particles.losses import ClassTargets

SHIFT = 0.3
"""Largest shift along each axis, as a share of the side of the image: that of particleSeg, since
refined particles all lie in the middle."""


@dataclass(frozen=True)
class LabelledBatches:
    """The batch of a step, of images of one size, drawn from the seed and the step alone.

    Parameters
    ----------
    groups
        Images of one size each.
    batch
        Number of images.
    seed
        Seed of the random numbers.
    """

    groups: Sequence[LabelledParticles]
    batch: int
    seed: int

    def __call__(self, step: int) -> tuple[Float[Tensor, "b 1 h w"], ClassTargets]:
        """Images and their targets."""
        random = np.random.default_rng((self.seed, step))
        sizes = np.array([len(group) for group in self.groups])
        group = self.groups[int(random.choice(len(sizes), p=sizes / sizes.sum()))]
        index = torch.from_numpy(random.integers(0, len(group), self.batch))
        images, signal = group.images[index].float(), group.signal[index].float()
        grid = _draw_grid(self.batch, tuple(images.shape[1:]), random)
        both = torch.stack((images, signal), 1)
        moved = functional.grid_sample(both, grid, padding_mode="reflection", align_corners=False)
        return moved[:, :1], ClassTargets(class_map((moved[:, 1] > 0.5).int()))


def _draw_grid(
    count: int, shape: tuple[int, ...], random: np.random.Generator
) -> Float[Tensor, "n h w 2"]:
    """Where the pixels of turned, mirrored and shifted images come from.

    Beyond its border an image goes on mirrored, and so does its mask.
    """
    height, width = shape
    angle = torch.from_numpy(random.uniform(0, 2 * math.pi, count)).float()
    mirror = torch.from_numpy(random.choice([-1.0, 1.0], count)).float()
    shift = torch.from_numpy(random.uniform(-2 * SHIFT, 2 * SHIFT, (count, 2))).float()
    cosine, sine = angle.cos(), angle.sin()
    rows = [
        torch.stack((cosine * mirror, sine * height / width, shift[:, 0]), 1),
        torch.stack((-sine * mirror * width / height, cosine, shift[:, 1]), 1),
    ]
    return functional.affine_grid(
        torch.stack(rows, 1), [count, 1, height, width], align_corners=False
    )
