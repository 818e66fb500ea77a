# SPDX-License-Identifier: GPL-3.0-or-later
"""The dead border that motion correction and padding leave."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

STREAK = 0.5
"""A line is dead when its gradient across, over the gradient along, is below this share of the
image's own. Measured on 14 motion-corrected micrographs (4 borders each): 0-0.1 inside streaks,
0.9-1.2 a few pixels beside them."""

RIM_SHARE = 0.6
"""A border starts at the rim: of the lines from the rim to its end, at least this share is dead.
Measured on the same micrographs: 0.8-1 in their borders, where compression can bring up to 18
lines at the rim to life; below 0.5 in false runs inside of smoothed crops."""

_CONSTANT = 0.05
_SEARCHED = 1 / 3
_MIN_RUN = 3
_RUN_SHARE = 500
_SAMPLE_STEP = 4
_MIN_SIDE = 32


@dataclass(frozen=True)
class Bounds:
    """Part of an image inside its dead border: rows `top:bottom`, columns `left:right`, px."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> int:
        """Pixels inside."""
        return (self.bottom - self.top) * (self.right - self.left)


def valid_bounds(image: Float[Tensor, "h w"]) -> Bounds:
    """Rows and columns inside the border of constant lines and streaks.

    A streak is a line repeated outwards: along the border it varies as the image does, across it
    hardly. A border reaches from the rim to the end of a run of dead lines, and most lines on the
    way are dead; it takes up to a third of the image on each side. Dead lines within the image,
    as detectors have and smooth images seem to have, are no border.

    Parameters
    ----------
    image
        A micrograph at its own pixel size. Below 32 px a side nothing is searched.
    """
    height, width = image.shape
    if min(height, width) < _MIN_SIDE:
        return Bounds(0, height, 0, width)
    top, bottom = _live_lines(*_row_gradients(image))
    left, right = _live_lines(*_row_gradients(image.T))
    return Bounds(top, bottom, left, right)


def _row_gradients(image: Float[Tensor, "h w"]) -> tuple[Float[Tensor, " h"], Float[Tensor, " h"]]:
    """Mean absolute difference across (to the next row) and along each row, sampled.

    Only the middle half of the columns is used, so that borders at the sides do not count.
    """
    width = image.shape[1]
    middle = image[:, width // 4 : width - width // 4]
    step = min(_SAMPLE_STEP, max(1, middle.shape[1] // 64))
    left, right = middle[:, :-1:step], middle[:, 1::step]
    across = (left[1:] - left[:-1]).abs().mean(1)
    return torch.cat([across, across[-1:]]), (right - left).abs().mean(1)


def _live_lines(across: Float[Tensor, " n"], along: Float[Tensor, " n"]) -> tuple[int, int]:
    """First and one past the last line that is neither constant nor a streak."""
    length = len(along)
    inner = slice(length // 3, length - length // 3)
    typical_across, typical_along = across[inner].median(), along[inner].median()
    forward = _dead(across, along, typical_across, typical_along)
    to_previous = torch.cat([across[:1], across[:-1]])
    backward = _dead(to_previous, along, typical_across, typical_along)
    return _border_width(forward), length - _border_width(backward.flip(0))


def _dead(across: Tensor, along: Tensor, typical_across: Tensor, typical_along: Tensor) -> Tensor:
    streak = across * typical_along < STREAK * along * typical_across
    return streak | (along < _CONSTANT * typical_along) | (across < _CONSTANT * typical_across)


def _border_width(dead: Bool[Tensor, " n"]) -> int:
    """End of the last run of dead lines up to which most lines are dead."""
    length = len(dead)
    min_run = max(_MIN_RUN, length // _RUN_SHARE)
    border, run, count = 0, 0, 0
    for index, is_dead in enumerate(dead[: int(length * _SEARCHED)].tolist()):
        count += is_dead
        run = run + 1 if is_dead else 0
        is_run = run >= min_run or run == index + 1 > 0
        if is_run and count >= RIM_SHARE * (index + 1):
            border = index + 1
    return border
