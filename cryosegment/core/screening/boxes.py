# SPDX-License-Identifier: GPL-3.0-or-later
"""Places of working images, and what labels say is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial import cKDTree
from torch import Tensor

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.exchange.labels import BACKGROUND, CONTAMINATION
from cryosegment.exchange.screening import INTERFERENCE, KINDS, NOISE, PARTICLE

SIDE = 64
"""Side of a box, px: some three diameters, for what is around the particle."""
PARTICLE_KIND, INTERFERENCE_KIND, NOISE_KIND = (
    KINDS.index(kind) for kind in (PARTICLE, INTERFERENCE, NOISE)
)
UNDECIDED = -1
NEAR, FAR = 0.25, 0.5
"""A place nearer than this to the centre of a particle shows it; one farther than that from all
shows none; between them, nothing is said. In particle diameters."""


def kinds_at(item: LabelledImage, centers_yx: Float[Tensor, "n 2"]) -> Int[Tensor, " n"]:
    """Numbers in `KINDS` of what is at places of a labelled image, or `UNDECIDED`.

    Parameters
    ----------
    item
        The image with its labels.
    centers_yx
        px, inside the image.
    """
    if not len(centers_yx):
        return torch.zeros(0, dtype=torch.long)
    distance = torch.full((len(centers_yx),), torch.inf)
    if len(item.centers_yx):
        nearest, _ = cKDTree(item.centers_yx.numpy()).query(centers_yx.numpy())
        distance = torch.from_numpy(nearest).float() / item.diameter
    limits = torch.tensor(item.classes.shape) - 1
    rows, columns = torch.minimum(centers_yx.round().long().clamp(min=0), limits).unbind(1)
    classes, is_known = item.classes[rows, columns], item.known[rows, columns]
    kinds = torch.full((len(centers_yx),), UNDECIDED)
    kinds[is_known & (classes == BACKGROUND) & (distance > FAR)] = NOISE_KIND
    kinds[is_known & (classes == CONTAMINATION) & (distance > NEAR)] = INTERFERENCE_KIND
    kinds[distance <= NEAR] = PARTICLE_KIND
    return kinds


@dataclass(frozen=True)
class Places:
    """Places of an image.

    Parameters
    ----------
    centers_yx
        px.
    kinds
        Numbers in `KINDS`.
    """

    centers_yx: Float[Tensor, "n 2"]
    kinds: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.kinds)

    def select(self, index: Tensor) -> Places:
        """Some of the places, by mask or rows."""
        return Places(self.centers_yx[index], self.kinds[index])


def decided(item: LabelledImage, centers_yx: Float[Tensor, "n 2"]) -> Places:
    """Those of some places at which the labels say what is there."""
    kinds = kinds_at(item, centers_yx)
    return Places(centers_yx, kinds).select(kinds != UNDECIDED)


def random_places(item: LabelledImage, count: int, random: np.random.Generator) -> Places:
    """Random places of an image without a particle: at most so many."""
    area = np.array(item.classes.shape) - 1
    places = decided(item, torch.from_numpy(random.uniform(0, 1, (count, 2)) * area).float())
    return places.select(places.kinds != PARTICLE_KIND)
