# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches of labelled micrographs, rotated, scaled and augmented, as batches by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped, UInt8
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.training.data.augmentation import LEVELS, Augmentation, Patches, augment
from cryosegment.core.training.data.targets import make_targets
from cryosegment.core.training.fit.batches import Batch
from cryosegment.exchange.params import TrainParams

CONTAMINATED, KNOWN, EDGE = 1, 2, 4
"""Bits of the label of a pixel, besides its instance."""


@dataclass(frozen=True)
class _Place:
    """Origin of a patch: a point of an image, and a rotation and scale about it."""

    item: LabelledImage
    instances: Int[Tensor, "h w"]
    flags: UInt8[Tensor, "h w"]
    center_yx: Float[Tensor, " 2"]
    matrix: Float[Tensor, "2 2"]

    def particles(self, patch: int) -> Float[Tensor, "n 2"]:
        """Centres of the particles in the patch's pixels."""
        moved = (self.item.centers_yx - self.center_yx) @ torch.linalg.inv(self.matrix).T
        return moved + (patch - 1) / 2


class PatchBatches:
    """The batch of a step, drawn from the seed and the step alone.

    Windows are cut where the micrographs are kept; the rest is done for the whole batch on the
    device.

    Parameters
    ----------
    images
        Labelled micrographs.
    patch
        Side of a patch, px.
    batch
        Numbers of the patches to draw in each step.
    seed
        Seed of the random numbers. A patch depends only on it, the step and its number.
    augmentation
        Augmentation of the patches.
    device
        Torch device of the batches.
    """

    def __init__(
        self,
        images: Sequence[LabelledImage],
        patch: int,
        batch: Sequence[int],
        seed: int,
        augmentation: Augmentation = LEVELS[TrainParams.augmentation],
        device: str = "cpu",
    ) -> None:
        self._images = [(image, image.particles, _flags(image)) for image in images]
        self._patch = patch
        self._batch = batch
        self._seed = seed
        self._augmentation = augmentation
        self._device = device
        reach = math.sqrt(2) if augmentation.turns else 1.0
        self._window = math.ceil(patch * reach * augmentation.zoom) + 3

    def __call__(self, step: int) -> Batch:
        """Images `(b, 1, h, w)` and their targets."""
        randoms = [np.random.default_rng((self._seed, step, number)) for number in self._batch]
        places = [self._choose(random) for random in randoms]
        partners = None
        if self._augmentation.needs_partner:
            partners = self._cut([self._choose(random) for random in randoms])
        patches = augment(self._cut(places), partners, self._augmentation, randoms)
        targets = make_targets(
            patches.instances,
            patches.contamination,
            patches.known,
            patches.centers_yx,
            torch.tensor([place.item.diameter for place in places]).to(self._device),
            patches.edge,
        )
        return patches.image[:, None], targets

    def _choose(self, random: np.random.Generator) -> _Place:
        """A place of any image."""
        item, instances, flags = self._images[random.integers(len(self._images))]
        height, width = item.working.image.shape
        center = torch.tensor([random.uniform(0, height - 1), random.uniform(0, width - 1)])
        return _Place(
            item, instances, flags, center.float(), _random_map(random, self._augmentation)
        )

    def _cut(self, places: Sequence[_Place]) -> Patches:
        """The patches of some places, on the device."""
        corners = [place.center_yx.round().int() - self._window // 2 for place in places]
        at = list(zip(places, corners, strict=True))
        image = [window(place.item.working.image, corner, self._window) for place, corner in at]
        instances = [window(place.instances, corner, self._window) for place, corner in at]
        flags = [window(place.flags, corner, self._window) for place, corner in at]
        grid = sampling_grid(
            torch.stack([place.matrix for place in places]),
            torch.stack([place.center_yx - corner for place, corner in at]),
            self._patch,
            self._window,
        ).to(self._device)
        said = sample(self._moved(flags), grid, "nearest").byte()
        centers = [place.particles(self._patch) for place in places]
        return Patches(
            image=sample(self._moved(image), grid, "bilinear"),
            instances=sample(self._moved(instances), grid, "nearest").int(),
            contamination=((said & CONTAMINATED) > 0).float(),
            known=((said & KNOWN) > 0).float(),
            edge=((said & EDGE) > 0).float(),
            centers_yx=pad_sequence(centers, batch_first=True).to(self._device),
        )

    def _moved(self, planes: list[Tensor]) -> Float[Tensor, "b s s"]:
        return torch.stack(planes).to(self._device, non_blocking=True).float()


def _flags(item: LabelledImage) -> UInt8[Tensor, "h w"]:
    kinds = ((item.contamination, CONTAMINATED), (item.known, KNOWN), (item.edge, EDGE))
    return torch.stack([mask.byte() * bit for mask, bit in kinds]).sum(0, dtype=torch.uint8)


def _random_map(random: np.random.Generator, augmentation: Augmentation) -> Float[Tensor, "2 2"]:
    """Patch steps (y, x) in the image's pixels: a rotation, a flip and a zoom."""
    angle = random.uniform(0, 2 * np.pi) * augmentation.turns
    reach = np.log(augmentation.zoom)
    zoom = np.exp(random.uniform(-reach, reach))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if augmentation.turns:
        turn[:, 1] *= random.choice([-1.0, 1.0])
    return torch.from_numpy(turn / zoom).float()


def window(
    plane: Shaped[Tensor, "h w"], corner_yx: Shaped[Tensor, " 2"], side: int
) -> Shaped[Tensor, "s s"]:
    """A square window of a plane, 0 outside the plane.

    Parameters
    ----------
    plane
        Any.
    corner_yx
        First row and column, which may lie outside.
    side
        Rows and columns, px.
    """
    top, left = corner_yx.tolist()
    first_y, first_x = max(top, 0), max(left, 0)
    inside = plane[first_y : max(top + side, 0), first_x : max(left + side, 0)]
    square = plane.new_zeros(side, side)
    rows, columns = inside.shape
    square[first_y - top : first_y - top + rows, first_x - left : first_x - left + columns] = inside
    return square


def sampling_grid(
    matrices: Float[Tensor, "b 2 2"], centers_yx: Float[Tensor, "b 2"], patch: int, side: int
) -> Float[Tensor, "b p p 2"]:
    """Positions of the pixels of patches in their windows, in units of `grid_sample`.

    Parameters
    ----------
    matrices
        Patch steps (y, x) in the window's pixels.
    centers_yx
        Middle of each patch in its window, px.
    patch, side
        Sides of patches and windows, px.
    """
    steps = torch.arange(patch) - (patch - 1) / 2
    pixels = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1)
    grid = torch.einsum("bij,pqj->bpqi", matrices, pixels) + centers_yx[:, None, None]
    return ((2 * grid + 1) / side - 1).flip(-1)


def sample(
    windows: Float[Tensor, "b s s"], grid: Float[Tensor, "b p p 2"], mode: str
) -> Float[Tensor, "b p p"]:
    """Patches of windows, "bilinear" or by the "nearest" pixel."""
    return functional.grid_sample(windows[:, None], grid, mode, align_corners=False)[:, 0]
