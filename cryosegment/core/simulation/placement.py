# SPDX-License-Identifier: GPL-3.0-or-later
"""Where particles lie: random places that keep a distance from each other."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

# Places tried for each one wanted, before the image counts as full.
ATTEMPTS = 60
# Distances from a mask are taken in blocks of this many pixels.
BLOCK = 8


def random_positions(
    allowed: Bool[Tensor, "h w"],
    count: int,
    min_distance: float,
    generator: torch.Generator,
) -> Int[Tensor, "n 2"]:
    """Random pixels, row and column, no two nearer than `min_distance`.

    Parameters
    ----------
    allowed
        Where a position may lie.
    count
        Number wanted; fewer come back when no more fit.
    min_distance
        Smallest distance, px.
    generator
        Source of the places.

    Notes
    -----
    Random sequential addition: a place is kept if it is far enough from all kept before.
    """
    free = torch.nonzero(allowed.flatten()).squeeze(1)
    kept = np.empty((count, 2))
    found = 0
    if len(free) and count:
        tries = (count * ATTEMPTS,)
        draw = torch.randint(len(free), tries, generator=generator, device=generator.device)
        places = free[draw.to(free.device)].cpu().numpy()
        for place in np.stack(np.divmod(places, allowed.shape[1]), axis=1):
            distances = ((kept[:found] - place) ** 2).sum(axis=1)
            if distances.min(initial=np.inf) >= min_distance**2:
                kept[found] = place
                found += 1
                if found == count:
                    break
    return torch.from_numpy(kept[:found].astype(np.int64)).to(allowed.device)


def inner_area(
    height: int, width: int, margin: int, generator: torch.Generator
) -> Bool[Tensor, "h w"]:
    """True farther than `margin` pixels from the border, on the generator's device."""
    area = torch.zeros(height, width, dtype=torch.bool, device=generator.device)
    area[margin : max(height - margin, 0), margin : max(width - margin, 0)] = True
    return area


def away_from(mask: Bool[Tensor, "h w"], distance: int) -> Bool[Tensor, "h w"]:
    """True at least `distance` px, in rows or in columns, from what is True in the mask.

    The distance is rounded up to blocks of 8 px.
    """
    if not mask.any():
        return ~mask
    reach = -(-distance // BLOCK)
    blocks = max_pool2d(mask[None, None].float(), BLOCK, ceil_mode=True)
    wide = max_pool2d(blocks, (2 * reach + 1, 1), stride=1, padding=(reach, 0))
    wide = max_pool2d(wide, (1, 2 * reach + 1), stride=1, padding=(0, reach))
    near = interpolate(wide, scale_factor=BLOCK)[0, 0, : mask.shape[0], : mask.shape[1]]
    return near == 0
