# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs as pages show them: reduced and low-passed, and small pictures of places on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.report.overlays import Marks, MarkStyle, Overlay
from cryosegment.core.report.pictures import in_grey, photograph
from cryosegment.core.report.table import Place

SHOWN_SIDE = 1024
"""Longest side of a micrograph, px."""
BLUR = 0.05
"""Standard deviation of the low-pass, in particle diameters: so particles stand out from the noise,
which would take most of a page's bytes."""
TILE_SIDE, TILE_DIAMETERS = 80, 1.6
"""Side of a small picture, in px and in particle diameters."""
BEYOND = 128
"""Grey level beyond the border."""


@dataclass(frozen=True)
class Reduced:
    """An image of a micrograph in grey, and its px to one of the micrograph."""

    image: UInt8[np.ndarray, "h w"]
    factor: float

    def place(self, centers_yx: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Where centres (px of the micrograph) lie, px of the image."""
        return (centers_yx + 0.5) * self.factor - 0.5


@dataclass(frozen=True)
class ShownMicrograph:
    """A micrograph on a page.

    Parameters
    ----------
    name
        Of the micrograph.
    whole
        All of it.
    fine
        What small pictures are cut from.
    diameter
        Of particles, px of the micrograph.
    """

    name: str
    whole: Reduced
    fine: Reduced
    diameter: float

    def marks(
        self, style: MarkStyle, centers_yx: Float[np.ndarray, "n 2"], group: str = ""
    ) -> Marks:
        """Marks of the particles' size around centres in px of the micrograph."""
        radius = self.diameter * self.whole.factor / 2
        return Marks(style, self.whole.place(centers_yx), radius, group)

    def overlay(self, marks: Sequence[Marks]) -> Overlay:
        """The micrograph with marks."""
        return Overlay(self.name, photograph(self.whole.image, f"micrograph {self.name}"), marks)

    def link(self, center_yx: Float[np.ndarray, " 2"], group: str = "") -> Place:
        """Where its overlay shows a place in px of the micrograph."""
        y, x = self.whole.place(center_yx).tolist()
        return Place(self.name, (y, x), group)

    def cut(self, centers_yx: Float[np.ndarray, "n 2"]) -> list[UInt8[np.ndarray, "s s"]]:
        """Small pictures around centres, px of the micrograph; grey beyond its border."""
        step = TILE_DIAMETERS * self.diameter * self.fine.factor / TILE_SIDE
        starts = self.fine.place(centers_yx) - step * (TILE_SIDE - 1) / 2
        return [_window(self.fine.image, (float(y), float(x)), step) for y, x in starts]


def show_micrograph(micrograph: Micrograph, diameter: float) -> ShownMicrograph:
    """A micrograph for a page.

    Parameters
    ----------
    diameter
        Of particles, Å.
    """
    size = diameter / micrograph.pixel_size
    whole = SHOWN_SIDE / max(micrograph.image.shape)
    fine = TILE_SIDE / (TILE_DIAMETERS * size)
    return ShownMicrograph(
        micrograph.name,
        _reduced(micrograph, whole, BLUR * size),
        _reduced(micrograph, fine, BLUR * size),
        size,
    )


def _reduced(micrograph: Micrograph, factor: float, blur: float) -> Reduced:
    """A micrograph reduced by a factor, never enlarged, and low-passed by `blur` of its px."""
    image, factor = micrograph.image.numpy(), min(1.0, factor)
    if factor < 1:
        height, width = (max(1, round(side * factor)) for side in image.shape)
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return Reduced(in_grey(cv2.GaussianBlur(image, (0, 0), max(blur * factor, 1e-3))), factor)


def _window(
    image: UInt8[np.ndarray, "h w"], start_yx: tuple[float, float], step: float
) -> UInt8[np.ndarray, "s s"]:
    """Small picture whose first pixel lies at a place (px of the image), the next a step away."""
    y, x = start_yx
    return np.asarray(
        cv2.warpAffine(
            image,
            np.array([[step, 0, x], [0, step, y]]),
            (TILE_SIDE, TILE_SIDE),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=BEYOND,
        )
    )
