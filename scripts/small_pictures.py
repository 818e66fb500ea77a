# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the guide as small files."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

COLORS = 160  # enough for grey levels, circles and curves


def save_small(picture: Image.Image, path: Path, colors: int = COLORS) -> None:
    """Write a picture with so many colours, of which the rare ones stay what they are."""
    few = picture.convert("RGB").quantize(
        colors, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    few.save(path, optimize=True)
    print(path)
