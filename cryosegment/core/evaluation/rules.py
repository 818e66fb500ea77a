# SPDX-License-Identifier: GPL-3.0-or-later
"""When a pick is right, where nothing counts, and what is measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from cryosegment.core.evaluation.matching import Pairs, near, overlapping
from cryosegment.exchange.params import EvaluateParams
from cryosegment.exchange.params.evaluation import BOX, BOX_MAP, DISC_PIXELS

OVERLAPS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
"""Least overlaps over which average precisions are averaged."""


@dataclass(frozen=True)
class Rules:
    """When a pick is right, and what is measured.

    Parameters
    ----------
    diameter
        Of the particles, Å.
    distance
        Largest distance of a right pick, Å.
    distances
        Further ones, Å.
    by_boxes, side, overlap
        Whether boxes that overlap by so much make a pick right, rather than the distance; their
        side, Å.
    beta
        Weight of the recall in F-beta.
    box_map, disc_pixels
        Whether figures by the protocols of CRISP and of CryoSegNet are made.
    samples, seed
        Draws of micrographs for intervals, and their seed.
    """

    diameter: float
    distance: float
    side: float
    distances: tuple[float, ...] = ()
    by_boxes: bool = False
    overlap: float = 0.5
    beta: float = 2.0
    box_map: bool = False
    disc_pixels: bool = False
    samples: int = 0
    seed: int = 0

    @classmethod
    def of(cls, params: EvaluateParams) -> Rules:
        """Those of the parameters of a run."""
        return cls(
            diameter=params.diameter,
            distance=params.reach,
            side=params.side,
            distances=tuple(sorted(params.distances)),
            by_boxes=params.matching == BOX,
            overlap=params.overlap,
            beta=params.beta,
            box_map=BOX_MAP in params.published,
            disc_pixels=DISC_PIXELS in params.published,
            samples=params.samples,
            seed=params.seed,
        )

    def pairs(
        self,
        picks_yx: Float[np.ndarray, "picks 2"],
        reference_yx: Float[np.ndarray, "particles 2"],
        pixel_size: float,
    ) -> Pairs:
        """Pairs of picks and particles that may match; coordinates in px of `pixel_size`."""
        if self.by_boxes:
            return overlapping(picks_yx, reference_yx, self.side / pixel_size, self.overlap)
        return near(picks_yx, reference_yx, self.distance / pixel_size)


@dataclass(frozen=True)
class Ignored:
    """Where on a micrograph neither picks nor particles count.

    Parameters
    ----------
    margin
        Distance from the border, Å.
    shape
        Rows and columns of the micrograph; None where there is no margin.
    region
        Mask of a region at the scale of the micrograph; None if there is none.
    """

    margin: float = 0.0
    shape: tuple[int, int] | None = None
    region: Bool[np.ndarray, "h w"] | None = None

    def holds(
        self, centers_yx: Float[np.ndarray, "n 2"], pixel_size: float
    ) -> Bool[np.ndarray, " n"]:
        """Mask of the centres (px of `pixel_size`) that are there."""
        found = np.zeros(len(centers_yx), bool)
        if self.shape is not None:
            border = np.minimum(centers_yx, np.array(self.shape) - 1 - centers_yx).min(axis=1)
            found |= border * pixel_size < self.margin
        if self.region is not None:
            limits = np.array(self.region.shape) - 1
            rows, columns = np.clip(np.rint(centers_yx).astype(int), 0, limits).T
            found |= self.region[rows, columns]
        return found

    def pixels(self, shape: tuple[int, ...], pixel_size: float) -> Bool[np.ndarray, "h w"]:
        """Mask of the pixels of a micrograph of a `shape` (of Å/px `pixel_size`) that are there."""
        found = np.zeros(shape, bool) if self.region is None else self.region.copy()
        if self.shape is not None:
            width = int(np.ceil(self.margin / pixel_size))
            inner = np.zeros(shape, bool)
            inner[width : shape[0] - width, width : shape[1] - width] = True
            found |= ~inner
        return found


NOTHING_IGNORED = Ignored()
