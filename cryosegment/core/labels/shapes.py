# SPDX-License-Identifier: GPL-3.0-or-later
"""Footprints of picked particles, whose orientations are unknown: ellipses and silhouettes.

Angles are RELION's psi, in degrees: a shape along the rows at 0 is rotated towards the first row.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage
from skimage.filters import threshold_otsu

from cryosegment.core.images.micrograph import read_image
from cryosegment.core.optics.surface import longest_dimension
from cryosegment.exchange.errors import InputError

TEMPLATE_SIGMA = 1.0
"""Standard deviation of the Gaussian that smooths a template that is not a mask, px."""


def ellipse(
    long_px: float, short_px: float, angle: float, fraction_yx: Float[np.ndarray, " 2"]
) -> Bool[np.ndarray, "s s"]:
    """The pixels of an ellipse; a disc if both diameters are the same.

    Parameters
    ----------
    long_px, short_px
        Diameters, px.
    angle
        Angle of the long axis.
    fraction_yx
        Position of the centre within pixel `s // 2`, px.
    """
    size = 2 * math.ceil(max(long_px, short_px) / 2) + 3
    y = np.arange(size)[:, None] - size // 2 - fraction_yx[0]
    x = np.arange(size) - size // 2 - fraction_yx[1]
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    along, across = x * cosine - y * sine, x * sine + y * cosine
    # multiplied by both radii, so that the pixels on a disc's rim are exactly those
    inside = (along * short_px / 2) ** 2 + (across * long_px / 2) ** 2
    return np.asarray(inside <= (long_px * short_px / 4) ** 2)


class Template:
    """A silhouette that can be drawn at any size and angle.

    Parameters
    ----------
    silhouette
        The particle at angle 0; rotations are about pixel `(h // 2, w // 2)`.
    """

    def __init__(self, silhouette: Bool[np.ndarray, "h w"]) -> None:
        self._field = silhouette.astype(np.float32)
        self._middle_yx = np.array(silhouette.shape) // 2
        offsets = np.argwhere(silhouette) - self._middle_yx
        self._longest = longest_dimension(silhouette)
        self._reach = float(np.linalg.norm(offsets, axis=1).max()) + 1

    def draw(
        self, diameter_px: float, angle: float, fraction_yx: Float[np.ndarray, " 2"]
    ) -> Bool[np.ndarray, "s s"]:
        """The silhouette with `diameter_px` as its longest dimension.

        Parameters
        ----------
        diameter_px
            Longest dimension, px.
        angle
            Angle of rotation.
        fraction_yx
            Position of the centre of rotation within pixel `s // 2`, px.
        """
        scale = diameter_px / self._longest
        size = 2 * math.ceil(self._reach * scale) + 3
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        turn = np.array([[cosine, -sine], [sine, cosine]]) / scale
        # from x, y of the footprint to x, y of the template
        shift = self._middle_yx[::-1] - turn @ (size // 2 + fraction_yx[::-1])
        matrix = np.hstack((turn, shift[:, None]))
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(self._field, matrix, (size, size), flags=flags) >= 0.5)


def read_silhouette(path: Path) -> Bool[np.ndarray, "h w"]:
    """The largest connected area of a 2-D image or mask, with its holes filled.

    Raises
    ------
    InputError
        If the file cannot be read, or shows nothing that differs from its rim.
    """
    values = read_image(path)[0].astype(np.float32)
    if not np.isfinite(values).all() or values.min() == values.max():
        raise InputError(f"expected a particle in template {path}, found NaN or a single value")
    if len(np.unique(values)) > 2:
        values = ndimage.gaussian_filter(values, TEMPLATE_SIGMA)
    support = values > threshold_otsu(values)
    rim = np.concatenate((support[0], support[-1], support[:, 0], support[:, -1]))
    support = ~support if rim.mean() > 0.5 else support
    parts, _ = ndimage.label(support)
    sizes = np.bincount(parts.ravel())[1:]
    if not len(sizes):
        raise InputError(f"expected a particle in template {path} that its rim lies outside of")
    return np.asarray(ndimage.binary_fill_holes(parts == 1 + sizes.argmax()))
