# SPDX-License-Identifier: GPL-3.0-or-later
"""What picks look like: their mean image and its radial profile, by score."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from cryosegment.core.images.boxes import cut_boxes
from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.images.working import WorkingImage, working_image
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.params import DARK, InputParams

PIXELS = 24
"""Of a particle diameter in the images."""
SIDE = 2 * PIXELS + 1
"""Of the images, px: two diameters, with a pixel in the middle."""
BACKGROUND = 0.75
"""Beyond this distance from the centre, in diameters, an image shows what is around a particle."""
INPUT = InputParams(PIXELS, local_mean=3.0, clip=1000.0)
"""Grey levels in units of the noise, not compressed."""
QUANTILES = (0.25, 0.5, 0.75)
"""Of the scores, at which the picks are parted."""

RADII = np.hypot(*np.mgrid[-PIXELS : PIXELS + 1, -PIXELS : PIXELS + 1])
IS_BACKGROUND: Bool[np.ndarray, "s s"] = RADII > BACKGROUND * PIXELS


@dataclass(frozen=True)
class Appearance:
    """Mean image of some picks.

    Parameters
    ----------
    lowest
        Their lowest score; NaN where they have none.
    count
        How many picks it is the mean of.
    image
        Grey levels in units of the micrographs' noise, bright or dark as in these, 0 around the
        particle.
    """

    lowest: float
    count: int
    image: Float[np.ndarray, "s s"]

    @property
    def profile(self) -> Float[np.ndarray, " radii"]:
        """Mean grey level at each radius of 0, 1, ... px."""
        radii = RADII.round().astype(int)
        is_in = radii <= PIXELS
        totals = np.bincount(radii[is_in], self.image[is_in])
        return np.asarray(totals / np.bincount(radii[is_in]))


def read_shown(path: Path, name: str, pixel_size: float, diameter: float) -> WorkingImage:
    """A micrograph at the scale of the images.

    Parameters
    ----------
    path
        Of its file.
    name
        Of the micrograph.
    pixel_size
        Å/px.
    diameter
        Of the particle, Å.

    Raises
    ------
    InputError, ParameterError
        If it cannot be read, or the diameter does not fit it.
    """
    return working_image(read_micrograph(path, pixel_size, name), diameter, INPUT, DARK)


class Appearances:
    """Sums of images, from which the mean of each group of scores is made.

    Parameters
    ----------
    scores
        Of all picks of a set, which are parted at `QUANTILES`; in one group where they do not
        differ there or are unknown.
    """

    def __init__(self, scores: Float[np.ndarray, " n"]) -> None:
        known = scores[~np.isnan(scores)]
        limits = np.quantile(known, (0, *QUANTILES)) if len(known) else np.array([np.nan])
        self._limits = np.unique(limits)
        self._sums = np.zeros((len(self._limits), SIDE, SIDE))
        self._counts = np.zeros(len(self._limits), int)

    def add(self, working: WorkingImage, picks: Coordinates) -> None:
        """Add the picks of a micrograph whose images are wholly inside its valid area."""
        centers = torch.from_numpy(working.from_micrograph(picks.centers_yx)).float()
        is_valid = (cut_boxes(working.valid.float(), centers, SIDE) > 0).flatten(1).all(1)
        boxes = cut_boxes(working.image, centers[is_valid], SIDE)[:, 0].double().numpy()
        boxes -= boxes[:, IS_BACKGROUND].mean(1)[:, None, None]
        groups = self._groups(picks.scores)[is_valid.numpy()]
        np.add.at(self._sums, groups, boxes)
        self._counts += np.bincount(groups, minlength=len(self._counts))

    def _groups(self, scores: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """Number of the group of each pick, those of the lowest scores first."""
        groups = np.searchsorted(self._limits, scores, side="right") - 1
        return np.clip(groups, 0, len(self._limits) - 1)

    def means(self) -> list[Appearance]:
        """Mean image of each group that has picks, those of the lowest scores first."""
        parts = zip(self._limits.tolist(), self._counts.tolist(), self._sums, strict=True)
        return [Appearance(low, count, total / count) for low, count, total in parts if count]
