# SPDX-License-Identifier: GPL-3.0-or-later
"""A micrograph as grey levels of the screen: zoomed, low-pass filtered, with contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, NamedTuple, Tuple

import numpy as np
from PIL import Image, ImageOps

from cryosegment.exchange.errors import InputError
from cryosegment.window.view import View

Read = Callable[[str], np.ndarray]
"""Reads an image file, (h, w) or (1, h, w)."""
RANGE = 3.5  # standard deviations on either side of the median, black to white
STRONGEST = 4.0  # factor on that at the ends of the contrast's scale
SIGMA_OF_RESOLUTION = np.sqrt(np.log(2) / 2) / np.pi
"""Standard deviation of the Gaussian that halves amplitudes at a resolution, as a part of it."""
SAMPLED = 3  # every third pixel tells the contrast


@dataclass(frozen=True)
class Look:
    """How a micrograph is shown.

    Parameters
    ----------
    contrast
        From -1, faint, to 1, strong.
    resolution
        Å of the low-pass filter; 0 for none.
    """

    contrast: float = 0.0
    resolution: float = 0.0


class Shown(NamedTuple):
    """A part of an image as it is drawn: the place of its first pixel on the canvas, and itself."""

    x: int
    y: int
    picture: Image.Image


class MicrographImage:
    """Grey levels of a micrograph, also made smaller by halves, so that every view is drawn fast.

    Parameters
    ----------
    pixels
        `(h, w)` or `(1, h, w)`, of any real type.
    pixel_size
        Å/px.

    Raises
    ------
    InputError
        If they are no image.
    """

    def __init__(self, pixels: np.ndarray, pixel_size: float) -> None:
        image = np.squeeze(np.asarray(pixels))
        if image.ndim != 2:
            raise InputError(f"expected an image of one section, got the shape {pixels.shape}")
        values = image.astype(np.float32)
        is_number = np.isfinite(values)
        if not is_number.all():
            values[~is_number] = np.median(values[is_number]) if is_number.any() else 0.0
        height, width = image.shape
        self.shape, self.pixel_size = (height, width), pixel_size
        self._halves: List[Image.Image] = [Image.fromarray(values)]

    def shown(self, view: View, size: Tuple[int, int], look: Look) -> Shown:
        """What a canvas of `size` (width, height) shows of it, in 8 bits."""
        power = max(0, int(np.floor(np.log2(1 / view.scale)))) if view.scale < 1 else 0
        while len(self._halves) <= power:
            self._halves.append(self._halves[-1].reduce(2))
        part = visible(self._halves[power], self.shape, view, size)
        values = np.asarray(part.picture)
        sigma = look.resolution * SIGMA_OF_RESOLUTION / self.pixel_size * view.scale
        grey = in_grey(low_passed(values, sigma), look.contrast)
        return part._replace(picture=Image.fromarray(grey))


def visible(
    image: Image.Image,
    shape: Tuple[int, int],
    view: View,
    size: Tuple[int, int],
    resample: Image.Resampling = Image.Resampling.BILINEAR,
    first_centers_meet: bool = False,
) -> Shown:
    """The part of an image that a canvas shows, at the canvas's scale.

    Parameters
    ----------
    image
        The micrograph, or a map of it, at any scale.
    shape
        Rows and columns of the micrograph.
    view
        What is seen of it.
    size
        Width and height of the canvas.
    resample
        Filter between pixels.
    first_centers_meet
        Whether the centres of the first pixels of image and micrograph are the same place, as
        Fourier cropping leaves them, and not their corners.
    """
    starts, ends, box = [], [], []
    border = 0
    if first_centers_meet:  # the two do not cover quite the same
        image, border = ImageOps.expand(image, 1), 1
    for start, length, own, room in zip((view.left, view.top), shape[::-1], image.size, size):
        first = max(0, int(np.floor(-start * view.scale)))
        last = min(room, int(np.ceil((length - start) * view.scale)))
        last = max(last, first + 1)
        edges = start + np.array([first, last]) / view.scale
        factor = (own - 2 * border) / length
        edges = (edges - 0.5) * factor + 1.5 if first_centers_meet else edges * factor
        box.append(np.clip(edges, 0, own))
        starts.append(first)
        ends.append(last)
    (x0, x1), (y0, y1) = box
    if x1 <= x0 or y1 <= y0:  # nothing of it is seen
        return Shown(0, 0, image.crop((0, 0, 1, 1)))
    wanted = ends[0] - starts[0], ends[1] - starts[1]
    return Shown(starts[0], starts[1], image.resize(wanted, resample, (x0, y0, x1, y1)))


def low_passed(values: np.ndarray, sigma: float) -> np.ndarray:
    """Values smoothed by a Gaussian, (h, w).

    Parameters
    ----------
    values
        `(h, w)`.
    sigma
        Standard deviation, px; below a third of a pixel nothing is done.
    """
    if sigma < 1 / 3:
        return values
    margin = min(int(np.ceil(3 * sigma)), min(values.shape) - 1)
    wide = np.pad(values, margin, mode="reflect")
    y, x = np.fft.fftfreq(wide.shape[0]), np.fft.rfftfreq(wide.shape[1])
    factors = [np.exp(-2 * (np.pi * sigma * frequency) ** 2) for frequency in (y, x)]
    spectrum = np.fft.rfft2(wide) * factors[0][:, None] * factors[1]
    smooth = np.fft.irfft2(spectrum, wide.shape)
    height, width = values.shape
    return smooth[margin : margin + height, margin : margin + width].astype(np.float32)


def in_grey(values: np.ndarray, contrast: float) -> np.ndarray:
    """Values as grey levels from 0 to 255, (h, w) uint8.

    Parameters
    ----------
    values
        `(h, w)`.
    contrast
        From -1, faint, to 1, strong.
    """
    sample = values[::SAMPLED, ::SAMPLED]
    middle = float(np.median(sample))
    spread = 1.4826 * float(np.median(np.abs(sample - middle))) or float(sample.std()) or 1.0
    half = RANGE * spread * STRONGEST**-contrast
    return np.clip((values - (middle - half)) * (255 / (2 * half)), 0, 255).astype(np.uint8)
