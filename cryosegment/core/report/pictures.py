# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that a page holds within itself."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

PHOTO_QUALITY = 60
"""Of WebP, of 100: noise looks the same below 50, edges of particles do not."""
SHOWN_PERCENTILES = (0.5, 99.5)
"""Grey levels that are shown black and white."""


@dataclass(frozen=True)
class Picture:
    """A picture within the page.

    Parameters
    ----------
    source
        `data:` URI.
    width, height
        px.
    alt
        What it shows, for those who do not see it.
    caption
        Below it.
    """

    source: str
    width: int
    height: int
    alt: str
    caption: str = ""


def photograph(
    image: UInt8[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"],
    alt: str,
    caption: str = "",
    quality: int = PHOTO_QUALITY,
) -> Picture:
    """Picture of an image in grey, or in blue, green and red, as WebP.

    Parameters
    ----------
    quality
        Of 100.
    """
    _, data = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])
    height, width = image.shape[:2]
    return Picture(data_uri("image/webp", data.tobytes()), width, height, alt, caption)


def in_grey(image: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """An image in 256 levels of grey, without its extremes."""
    low, high = np.percentile(image, SHOWN_PERCENTILES)
    return (255 * ((image - low) / max(high - low, 1e-12)).clip(0, 1)).astype(np.uint8)


def data_uri(kind: str, content: bytes) -> str:
    """`data:` URI of a file of a MIME type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
