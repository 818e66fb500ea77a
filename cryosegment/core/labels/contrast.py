# SPDX-License-Identifier: GPL-3.0-or-later
"""Contrast of labelled particles in their micrograph, and whether they fit better elsewhere.

Grey levels are those of the working image: low-passed to some pixels per particle diameter, local
mean removed, in standard deviations. Labels at the places of the particles differ from the
background; labels with a flipped y axis, or of another micrograph, do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cryosegment.core.images.contrast import detect_contrast
from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.images.working import WorkingImage, labels_at_working_scale, working_image
from cryosegment.exchange.labels import BACKGROUND
from cryosegment.exchange.params import DARK, InputParams

PIXELS_PER_DIAMETER = 20.0
AS_LABELLED = "as labelled"
FLIPPED_Y, FLIPPED_X = "flipped in y", "flipped in x"
TURNED, SWAPPED, MIRRORED = "turned by 180°", "x and y swapped", "each mirrored in place"
PLACEMENTS = (AS_LABELLED, FLIPPED_Y, FLIPPED_X, TURNED, SWAPPED, MIRRORED)
REMEDIES = {
    FLIPPED_Y: "their y axis points the other way: label again with --y-up, or without it",
    FLIPPED_X: "the micrographs are mirrored relative to those that were picked",
    TURNED: "the micrographs are rotated relative to those that were picked",
    SWAPPED: "x and y are swapped in the particle file, or the micrographs are transposed",
    MIRRORED: "the outlines have the other handedness: the map or the angles are mirrored",
}
BETTER = 1.1
"""Another placement fits better if its contrast is this many times higher, and significant."""
CHANCE = 4.0
"""Contrast below this many standard errors is not significant."""
ENOUGH = 20
"""With fewer particles there are no warnings."""


@dataclass(frozen=True)
class LabelContrast:
    """Contrast of the labels of one micrograph, in standard deviations of its working image.

    Attributes
    ----------
    inside, outside
        Mean of the particles' pixels and of the background's; nan where there are none.
    cohen_d
        Their difference in pooled standard deviations of the pixels: negative where particles are
        darker than the background.
    particles
        Cohen's d of each particle; nan for those without valid pixels.
    placements
        Mean grey level under the particles at flipped and other placements, by `PLACEMENTS`.
    area
        Number of the particles' pixels.
    has_bright_particles
        Whether particles are bright in the image itself, judged without the labels.
    """

    inside: float
    outside: float
    cohen_d: float
    particles: Float[np.ndarray, " n"]
    placements: dict[str, float]
    area: int
    has_bright_particles: bool

    @property
    def is_faint(self) -> bool:
        """Whether the contrast is not significant; False if there are few particles."""
        chance, count = _chance([self])
        return count >= ENOUGH and not abs(self.cohen_d) > chance


def micrograph_contrast(
    micrograph: Micrograph,
    diameter: float,
    instances: Int[np.ndarray, "h w"],
    classes: Int[np.ndarray, "h w"],
    centers_yx: Float[np.ndarray, "n 2"],
) -> LabelContrast:
    """Contrast of label maps at the pixel size of the micrograph; see `label_contrast`.

    Parameters
    ----------
    micrograph
        As read.
    diameter
        Of the particles, Å.
    instances, classes
        The label maps.
    centers_yx
        Of the particles, px of the micrograph.
    """
    working = working_image(micrograph, diameter, InputParams(PIXELS_PER_DIAMETER), DARK)
    return label_contrast(
        working,
        diameter,
        labels_at_working_scale(instances, working),
        labels_at_working_scale(classes, working),
        centers_yx,
    )


def label_contrast(
    working: WorkingImage,
    diameter: float,
    instances: Int[Tensor, "h w"],
    classes: Int[Tensor, "h w"],
    centers_yx: Float[np.ndarray, "n 2"],
) -> LabelContrast:
    """Contrast of labels at working scale.

    Parameters
    ----------
    working
        The micrograph, its contrast as it was recorded.
    diameter
        Of the particles, Å.
    instances
        0 nothing, k the particle of row k - 1 of the centres.
    classes
        Values of `cryosegment.exchange.labels`; the background is taken from here.
    centers_yx
        Of the particles, px of the micrograph.
    """
    inside = (instances > 0) & working.valid
    background = (classes == BACKGROUND) & (instances == 0) & working.valid
    grey, ground = working.image[inside].double(), working.image[background].double()
    mean, ground_mean = grey.mean(), ground.mean()
    squares = (grey - mean).square().sum() + (ground - ground_mean).square().sum()
    sd = (squares / (len(grey) + len(ground))).sqrt()
    owners, count = instances[inside].long(), len(centers_yx)
    sums = torch.bincount(owners, grey, minlength=count + 1)[1:]
    areas = torch.bincount(owners, minlength=count + 1)[1:]
    contrast = detect_contrast(working.image, working.in_pixels(diameter), working.valid)
    return LabelContrast(
        inside=float(mean),
        outside=float(ground_mean),
        cohen_d=float((mean - ground_mean) / sd),
        particles=((sums / areas - ground_mean) / sd).numpy(),
        placements=_placements(working, inside, instances, centers_yx),
        area=len(grey),
        has_bright_particles=contrast == "bright",
    )


def _placements(
    working: WorkingImage,
    inside: Bool[Tensor, "h w"],
    instances: Int[Tensor, "h w"],
    centers_yx: Float[np.ndarray, "n 2"],
) -> dict[str, float]:
    """Mean grey level under the particles at every placement."""
    rows, columns = (axis.double() for axis in torch.nonzero(inside, as_tuple=True))
    last_row, last_column = (
        (size - 1) / scale
        for size, scale in zip(working.micrograph_shape, working.scale_yx, strict=True)
    )
    middles = torch.from_numpy(centers_yx[:, 1] / working.scale_yx[1])
    own_middles = middles[instances[inside].long() - 1]
    places = {
        AS_LABELLED: (rows, columns),
        FLIPPED_Y: (last_row - rows, columns),
        FLIPPED_X: (rows, last_column - columns),
        TURNED: (last_row - rows, last_column - columns),
        SWAPPED: (columns, rows),
        MIRRORED: (rows, 2 * own_middles - columns),
    }
    return {name: _mean_at(working, *place) for name, place in places.items()}


def _mean_at(
    working: WorkingImage, rows: Float[Tensor, " p"], columns: Float[Tensor, " p"]
) -> float:
    """Mean of the nearest pixels, those that are valid."""
    y, x = rows.round().long(), columns.round().long()
    height, width = working.image.shape
    is_on = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    y, x = y[is_on], x[is_on]
    return float(working.image[y, x][working.valid[y, x]].mean())


def total_placements(contrasts: Sequence[LabelContrast]) -> dict[str, float]:
    """Mean grey level under the particles of several micrographs, at every placement."""
    areas = np.array([contrast.area for contrast in contrasts], float)
    values = np.array([list(contrast.placements.values()) for contrast in contrasts])
    known = np.isfinite(values)
    weights = areas[:, None] * known
    means = (np.where(known, values, 0.0) * weights).sum(axis=0) / np.maximum(
        weights.sum(axis=0), 1
    )
    return dict(zip(PLACEMENTS, map(float, means), strict=True))


def contrast_notes(contrasts: Sequence[LabelContrast]) -> list[str]:
    """Warnings about the contrast of the labels of several micrographs, in sentences."""
    chance, count = _chance(contrasts)
    if count < ENOUGH:
        return []
    placements = total_placements(contrasts)
    own = placements[AS_LABELLED]
    best = max(PLACEMENTS, key=lambda name: abs(placements[name]))
    if abs(placements[best]) > max(BETTER * abs(own), abs(own) + chance):
        return [
            f"the labels fit the micrographs better {best} ({placements[best]:+.2f} SD under the "
            f"particles, {own:+.2f} as they are): {REMEDIES[best]}"
        ]
    if abs(own) < chance:
        return [
            f"the micrographs are no different under the labels ({own:+.2f} SD): check that both "
            "belong together, the pixel sizes, and the scale of the coordinates"
        ]
    if own < 0:
        return []
    bright = np.mean([contrast.has_bright_particles for contrast in contrasts])
    if bright > 0.5:
        return [
            f"particles are brighter than the background ({own:+.2f} SD): the micrographs have "
            "inverted contrast, which picking and training detect"
        ]
    return [
        f"labelled particles are brighter than the background ({own:+.2f} SD), but the micrographs "
        "show dark ones: the labels lie between the particles"
    ]


def _chance(contrasts: Sequence[LabelContrast]) -> tuple[float, int]:
    """Contrast that chance explains, in standard deviations, and the number of particles."""
    every = np.concatenate([np.empty(0), *(contrast.particles for contrast in contrasts)])
    known = every[np.isfinite(every)]
    return CHANCE * float(known.std()) / len(known) ** 0.5 if len(known) else np.inf, len(known)
