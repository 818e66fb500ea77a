# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of micrographs with what was found in them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from cryosegment.core.images.working import WorkingImage
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.files import atomic_path

SHOWN_RANGE = 3.0
"""Grey levels between minus and plus this many standard deviations are shown."""
ZOOM = 2
MARK = (255, 80, 255)  # BGR of what has no label
LOW, HIGH = (60, 160, 255), (120, 255, 80)  # BGR of the lowest and the highest score


def draw_picks(
    working: WorkingImage, picks: Coordinates, diameter: float
) -> UInt8[np.ndarray, "h w 3"]:
    """The working image, twice enlarged, with a circle for every pick; green is a high score.

    Parameters
    ----------
    working
        The image that the network saw.
    picks
        In the micrograph's pixels.
    diameter
        Of the circles, Å.

    Returns
    -------
    Channels blue, green, red, as OpenCV has them.
    """
    picture = _enlarged(working)
    radius = max(1, round(ZOOM * diameter / working.pixel_size / 2))
    centers_yx = _on_picture(working, picks.centers_yx)
    for (y, x), score in zip(centers_yx, picks.scores, strict=True):
        mix = np.clip(score, 0, 1)
        color = tuple(float(a + mix * (b - a)) for a, b in zip(LOW, HIGH, strict=True))
        cv2.circle(picture, (round(x), round(y)), radius, color, 1, cv2.LINE_AA)
    return picture


def draw_labels(
    working: WorkingImage,
    instances: Int[Tensor, "h w"],
    colors: UInt8[np.ndarray, "n 3"],
    marked_yx: Float[np.ndarray, "m 2"],
    diameter: float,
) -> UInt8[np.ndarray, "H W 3"]:
    """The working image, twice enlarged, with the outline of every labelled particle.

    Parameters
    ----------
    working
        The image.
    instances
        0 nothing, k the particle of row k - 1 of the colours.
    colors
        Blue, green, red of each outline.
    marked_yx
        Places that get a circle, px of the micrograph.
    diameter
        Of the circles, Å.
    """
    picture = _enlarged(working)
    # outlines run between pixels: on the enlarged image they are the inner pixels of a particle
    large = instances.numpy().repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    padded = np.pad(large, 1, mode="edge")
    outline = np.zeros(large.shape, bool)
    for rows, columns in ((0, 1), (2, 1), (1, 0), (1, 2)):
        neighbor = padded[rows:, columns:][: large.shape[0], : large.shape[1]]
        outline |= large != neighbor
    outline &= large > 0
    picture[outline] = colors[large[outline] - 1]
    radius = max(1, round(ZOOM * diameter / working.pixel_size / 2))
    for y, x in _on_picture(working, marked_yx):
        cv2.circle(picture, (round(x), round(y)), radius, MARK, 1, cv2.LINE_AA)
    return picture


def write_picture(path: Path, picture: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write a picture as PNG, whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    _, data = cv2.imencode(".png", picture)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _enlarged(working: WorkingImage) -> UInt8[np.ndarray, "H W 3"]:
    grey = (working.image.numpy() + SHOWN_RANGE) / (2 * SHOWN_RANGE)
    picture = (grey.clip(0, 1) * 255).astype(np.uint8)
    picture = cv2.resize(picture, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)
    return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)


def _on_picture(
    working: WorkingImage, centers_yx: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n 2"]:
    """Places of the micrograph on the enlarged image.

    Enlarging keeps the outer border in place, so that pixel centres move by half a pixel.
    """
    return (centers_yx / np.array(working.scale_yx) + 0.5) * ZOOM - 0.5
