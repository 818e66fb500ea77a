# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of boxes: particles, what pickers take for them, and places of all kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from cryosegment.core.images.boxes import cut_boxes
from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.screening.boxes import (
    INTERFERENCE_KIND,
    NEAR,
    PARTICLE_KIND,
    SIDE,
    Places,
    decided,
    random_places,
)
from cryosegment.core.training.fit.batches import Batch
from cryosegment.core.training.fit.objective import Targets

SHARES = (0.4, 0.35, 0.1, 0.15)
"""Of a batch: particles, picks of a picker that are none, contamination, and random places."""
JITTER = 0.07
"""Standard deviation of the places of particles, in particle diameters: no picker is exact."""
GAIN = 0.1
"""Standard deviation of the logarithm of the contrast."""
RANDOM_PLACES = 48
"""Random places that are tried in each image of a batch."""


@dataclass(frozen=True)
class BoxTargets(Targets):
    """What is in the middle of each box, as numbers in `KINDS`."""

    kinds: Int[Tensor, " b"]


def box_loss(logits: Float[Tensor, "b k"], targets: BoxTargets) -> dict[str, Tensor]:
    """Cross entropy of the kinds."""
    return {"kind": functional.cross_entropy(logits, targets.kinds)}


@dataclass(frozen=True)
class PickedImage:
    """A labelled image and the picks of a picker in it.

    Parameters
    ----------
    item
        The image with its labels.
    picks_yx
        Picks, good and bad, px.
    """

    item: LabelledImage
    picks_yx: Float[Tensor, "n 2"]


def draw_places(image: PickedImage, random: np.random.Generator) -> tuple[Places, ...]:
    """Places of an image in the groups of `SHARES`."""
    item, picks = image.item, decided(image.item, image.picks_yx)
    is_particle = picks.kinds == PARTICLE_KIND
    jitter = random.normal(0, JITTER * item.diameter, (len(item.centers_yx), 2)).astype(np.float32)
    reach = NEAR * item.diameter / 2**0.5
    shown = decided(item, item.centers_yx + torch.from_numpy(jitter).clamp(-reach, reach))
    shown = shown.select(shown.kinds == PARTICLE_KIND)
    others = random_places(item, RANDOM_PLACES, random)
    is_dirt = others.kinds == INTERFERENCE_KIND
    particles = Places(
        torch.cat((shown.centers_yx, picks.centers_yx[is_particle])),
        torch.cat((shown.kinds, picks.kinds[is_particle])),
    )
    return particles, picks.select(~is_particle), others.select(is_dirt), others.select(~is_dirt)


def draw_boxes(images: Sequence[PickedImage], count: int, random: np.random.Generator) -> Batch:
    """Boxes of some images, turned and mirrored, and what they show.

    Parameters
    ----------
    images
        Labelled images with picks.
    count
        Number of boxes; there are fewer where the images have no place of some group.
    random
        Source of randomness.
    """
    drawn = [draw_places(image, random) for image in images]
    boxes, kinds = [], []
    for share, groups in zip(SHARES, zip(*drawn, strict=True), strict=True):
        owners = np.repeat(np.arange(len(images)), [len(places) for places in groups])
        rows = np.concatenate([np.arange(len(places)) for places in groups])
        chosen = random.permutation(len(rows))[: round(share * count)]
        for number, (image, places) in enumerate(zip(images, groups, strict=True)):
            some = places.select(torch.from_numpy(rows[chosen][owners[chosen] == number]))
            boxes.append(cut_boxes(image.item.working.image, some.centers_yx, SIDE))
            kinds.append(some.kinds)
    return _turned(torch.cat(boxes), random), BoxTargets(torch.cat(kinds))


def _turned(
    boxes: Float[Tensor, "b 1 s s"], random: np.random.Generator
) -> Float[Tensor, "b 1 s s"]:
    """Boxes in random ones of their eight orientations, with another contrast."""
    turns = random.integers(0, 8, len(boxes))
    turned = [
        torch.rot90(box.flip(-1) if turn > 3 else box, int(turn) % 4, (-2, -1))
        for box, turn in zip(boxes, turns, strict=True)
    ]
    gain = np.exp(random.normal(0, GAIN, (len(boxes), 1, 1, 1))).astype(np.float32)
    return torch.stack(turned) * torch.from_numpy(gain)


class BoxBatches:
    """The batch of a step, drawn from the seed and the step alone.

    Parameters
    ----------
    draw_images
        Images to draw boxes of, from a source of randomness.
    count
        Boxes of a batch.
    seed
        Seed of the random numbers.
    """

    def __init__(
        self,
        draw_images: Callable[[np.random.Generator], Sequence[PickedImage]],
        count: int,
        seed: int,
    ) -> None:
        self._draw_images = draw_images
        self._count = count
        self._seed = seed

    def __call__(self, step: int) -> Batch:
        """Boxes `(b, 1, s, s)` and what they show."""
        random = np.random.default_rng((self._seed, step))
        return draw_boxes(self._draw_images(random), self._count, random)
