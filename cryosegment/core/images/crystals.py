# SPDX-License-Identifier: GPL-3.0-or-later
"""Crystalline ice, told by the spots that its lattice makes in power spectra."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

SPACINGS = (3.3, 4.05)
"""Of the strongest reflections of hexagonal and cubic ice (3.90, 3.67 and 3.44 Å), with room."""
SIDE = 256
"""Side of the squares whose spectra are looked at, px."""
NEAR_AXIS = 3.5
"""Pixels of a spectrum this near to its axes do not count."""
SQUARES = 4
"""How many, along either axis, spread evenly."""
SPOT = 25.0
"""Least power of a spot over the mean of its ring. Noise, whose power is distributed
exponentially, exceeds 12 means somewhere in one ring of a hundred, and 25 in none of a million."""


def crystalline_share(image: Float[Tensor, "h w"], pixel_size: float) -> float:
    """Share of squares spread over a micrograph in whose power spectrum ice makes spots.

    0 where the pixels are too large to see them, or the micrograph is smaller than a square.

    Parameters
    ----------
    image
        As recorded.
    pixel_size
        Å/px.
    """
    height, width = image.shape
    if 2 * pixel_size >= SPACINGS[0] or min(height, width) < SIDE:
        return 0.0
    rows, columns = (
        torch.linspace(0, length - SIDE, min(SQUARES, length // SIDE)).long()
        for length in (height, width)
    )
    window = torch.hann_window(SIDE, periodic=False, dtype=image.dtype, device=image.device)
    window = window[:, None] * window
    ring = _ring(pixel_size).to(image.device)
    spotted = 0
    for row in rows.tolist():
        squares = torch.stack([image[row : row + SIDE, c : c + SIDE] for c in columns.tolist()])
        squares = (squares - squares.mean((1, 2), keepdim=True)) * window
        power = torch.fft.rfft2(squares)[:, ring].abs().square()
        level = power.mean(1).clamp_min(torch.finfo(image.dtype).tiny)
        spotted += int((power.amax(1) > SPOT * level).sum())
    return spotted / (len(rows) * len(columns))


def _ring(pixel_size: float) -> Tensor:
    """The pixels of half a spectrum in which ice makes spots, but for those near its axes.

    Near the axes are the edges of the detector's tiles, and nothing that counts is lost.
    """
    y = torch.fft.fftfreq(SIDE, pixel_size)[:, None]
    x = torch.fft.rfftfreq(SIDE, pixel_size)
    frequency = torch.hypot(y, x)
    ring = (frequency >= 1 / SPACINGS[1]) & (frequency <= 1 / SPACINGS[0])
    near = NEAR_AXIS / (SIDE * pixel_size)
    return ring & (y.abs() > near) & (x > near)
