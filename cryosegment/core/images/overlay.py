# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of micrographs with picks or labels."""

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
"""Grey levels are shown between minus and plus this many standard deviations."""
ZOOM = 2
Color = tuple[float, ...]
MARK = (255, 80, 255)  # BGR of what has no label
LOW, HIGH = (60, 160, 255), (120, 255, 80)  # BGR of the lowest and the highest score


def draw_picks(
    working: WorkingImage, picks: Coordinates, diameter: float
) -> UInt8[np.ndarray, "h w 3"]:
    """The working image, twice enlarged, with a circle for every pick; green is a high score.

    Parameters
    ----------
    working
        The image that the network received.
    picks
        Coordinates in pixels of the micrograph.
    diameter
        Diameter of the circles, Å.

    Returns
    -------
    Channels blue, green, red, as in OpenCV.
    """
    picture = enlarged(working.image)
    centers = working.from_micrograph(picks.centers_yx)
    for center, score in zip(centers, picks.ranking, strict=True):
        mix = np.clip(score, 0, 1)
        color = tuple(float(a + mix * (b - a)) for a, b in zip(LOW, HIGH, strict=True))
        draw_circle(picture, center, working.in_pixels(diameter), color)
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
        Positions that are marked by a circle, px of the micrograph.
    diameter
        Diameter of the circles, Å.
    """
    picture = enlarged(working.image)
    # outlines run between pixels: on the enlarged image they are the inner pixels of a particle
    large = instances.numpy().repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    padded = np.pad(large, 1, mode="edge")
    outline = np.zeros(large.shape, bool)
    for rows, columns in ((0, 1), (2, 1), (1, 0), (1, 2)):
        neighbor = padded[rows:, columns:][: large.shape[0], : large.shape[1]]
        outline |= large != neighbor
    outline &= large > 0
    picture[outline] = colors[large[outline] - 1]
    for center in working.from_micrograph(marked_yx):
        draw_circle(picture, center, working.in_pixels(diameter), MARK)
    return picture


def enlarged(image: Float[Tensor, "h w"]) -> UInt8[np.ndarray, "2*h 2*w 3"]:
    """A normalised image in grey, twice enlarged."""
    grey = (image.numpy() + SHOWN_RANGE) / (2 * SHOWN_RANGE)
    picture = (grey.clip(0, 1) * 255).astype(np.uint8)
    picture = cv2.resize(picture, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))


def draw_circle(
    picture: UInt8[np.ndarray, "h w 3"],
    center_yx: Float[np.ndarray, " 2"],
    diameter: float,
    color: Color,
    width: int = 1,
) -> None:
    """Draw a circle into an enlarged picture; centre and diameter count px of the image."""
    # enlarging keeps the outer border in place, so that pixel centres move by half a pixel
    y, x = (center_yx + 0.5) * ZOOM - 0.5
    radius = max(1, round(ZOOM * diameter / 2))
    cv2.circle(picture, (round(float(x)), round(float(y))), radius, color, width, cv2.LINE_AA)


def write_png(path: Path, picture: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write a picture, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    _, data = cv2.imencode(".png", picture)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.tobytes())
