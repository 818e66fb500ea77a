# SPDX-License-Identifier: GPL-3.0-or-later
"""Augmented patches of labelled micrographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cryosegment.core.training.labelled import LabelledImage
from cryosegment.core.training.loader import Batch
from cryosegment.core.training.targets import Targets, make_targets, stack

SCALE = (0.85, 1.18)
"""Range of the zoom of a patch: particles vary, and so do the diameters that users give."""
GAIN_SD = 0.15
NOISE = 0.3
"""Largest standard deviation of the noise added to a patch; the image has 1."""


class PatchBatches:
    """The batch of a step, drawn from the seed and the step alone.

    Parameters
    ----------
    images
        Labelled micrographs.
    patch
        Side of a patch, px.
    batch
        Patches in a step.
    seed
        Of everything random.
    """

    def __init__(self, images: Sequence[LabelledImage], patch: int, batch: int, seed: int) -> None:
        self._images = images
        self._patch = patch
        self._batch = batch
        self._seed = seed

    def __call__(self, step: int) -> Batch:
        """Images `(b, 1, h, w)` and their targets."""
        random = np.random.default_rng((self._seed, step))
        pairs = [self._draw(random) for _ in range(self._batch)]
        return torch.stack([image for image, _ in pairs])[:, None], stack([t for _, t in pairs])

    def _draw(self, random: np.random.Generator) -> tuple[Float[Tensor, "p p"], Targets]:
        item = self._images[random.integers(len(self._images))]
        matrix = _random_map(random)
        height, width = item.image.shape
        center = torch.tensor([random.uniform(0, height - 1), random.uniform(0, width - 1)]).float()
        maps = (item.instances, item.contamination, item.known, item.edge)
        planes = torch.stack((item.image, *(each.float() for each in maps)))
        image, labels = _sample(planes, matrix, center, self._patch)
        middle = (self._patch - 1) / 2
        moved = (item.centers_yx - center) @ torch.linalg.inv(matrix).T + middle
        targets = make_targets(
            labels[1].int(), labels[2], labels[3], moved, item.diameter, labels[4]
        )
        return _look(image, random), targets


def _random_map(random: np.random.Generator) -> Float[Tensor, "2 2"]:
    """Patch steps (y, x) in the image's pixels: a rotation, a flip and a zoom."""
    angle = random.uniform(0, 2 * np.pi)
    zoom = np.exp(random.uniform(*np.log(SCALE)))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn[:, 1] *= random.choice([-1.0, 1.0])
    return torch.from_numpy(turn / zoom).float()


def _sample(
    planes: Float[Tensor, "k h w"],
    matrix: Float[Tensor, "2 2"],
    center: Float[Tensor, " 2"],
    patch: int,
) -> tuple[Float[Tensor, "p p"], Float[Tensor, "k p p"]]:
    """A patch of the first plane, interpolated, and of all planes, by the nearest pixel."""
    steps = torch.arange(patch) - (patch - 1) / 2
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1) @ matrix.T + center
    sizes = torch.tensor(planes.shape[-2:])
    normalized = ((2 * grid + 1) / sizes - 1).flip(-1)[None]
    smooth = functional.grid_sample(planes[None, :1], normalized, "bilinear", align_corners=False)
    nearest = functional.grid_sample(planes[None], normalized, "nearest", align_corners=False)
    return smooth[0, 0], nearest[0]


def _look(image: Float[Tensor, "p p"], random: np.random.Generator) -> Float[Tensor, "p p"]:
    """The patch under another gain, offset and noise."""
    gain = float(np.exp(random.normal(0, GAIN_SD)))
    noise = torch.from_numpy(random.standard_normal(image.shape, dtype=np.float32))
    return gain * image + random.normal(0, 0.1) + random.uniform(0, NOISE) * noise
