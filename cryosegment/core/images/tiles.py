# SPDX-License-Identifier: GPL-3.0-or-later
"""Images too large for memory, in overlapping tiles blended without seams."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.exchange.errors import ParameterError


def predict_tiled(
    function: Callable[[Float[Tensor, "t u"]], Float[Tensor, "c t u"]],
    image: Float[Tensor, "h w"],
    tile: int,
    halo: int,
    stride: int = 1,
) -> Float[Tensor, "c h w"]:
    """What `function` gives for the whole image, computed tile by tile.

    Neighbouring tiles overlap by at least `2 * halo`. The outer half of a halo is thrown away and
    the rest is blended linearly, except at the border of the image, which is kept.

    Parameters
    ----------
    function
        Takes an image and gives maps of the same height and width.
    image
        Any size; one that fits a tile goes through at once.
    tile
        Side of a tile, px.
    halo
        How far, in px, the border of a tile disturbs its result.
    stride
        Tiles start at multiples of this, so that a function that reduces the image by as much
        sees the same pixels together as it would in the whole image.

    Raises
    ------
    ParameterError
        If a tile has no inside: `tile < 2 * halo + stride`.
    """
    if tile < 2 * halo + stride:
        raise ParameterError(
            f"expected a tile of at least {2 * halo + stride} px (twice the halo, and {stride} "
            f"inside), got {tile}"
        )
    height, width = image.shape
    total: Tensor | None = None
    weights = image.new_zeros(height, width)
    for top in tile_starts(height, tile, halo, stride):
        for left in tile_starts(width, tile, halo, stride):
            rows, columns = slice(top, top + tile), slice(left, left + tile)
            maps = function(image[rows, columns])
            weight = _ramp(top, height, tile, halo, maps)[:, None] * _ramp(
                left, width, tile, halo, maps
            )
            if total is None:
                total = maps.new_zeros(maps.shape[0], height, width)
            total[:, rows, columns] += maps * weight
            weights[rows, columns] += weight
    assert total is not None  # there is at least one tile
    return total / weights


def tile_starts(length: int, tile: int, halo: int, stride: int = 1) -> list[int]:
    """First pixels of the tiles along one axis: evenly spread multiples of the stride.

    The last tile reaches the end; it is cut there, by less than a stride.

    Parameters
    ----------
    length, tile, halo
        Pixels of the axis, of a tile, and of the halo on each side of it.
    stride
        px.
    """
    if length <= tile:
        return [0]
    most = (tile - 2 * halo) // stride
    last = -(-(length - tile) // stride)
    count = -(-last // most) + 1
    return [stride * round(index * last / (count - 1)) for index in range(count)]


def _ramp(start: int, length: int, tile: int, halo: int, like: Tensor) -> Float[Tensor, " t"]:
    """Weight along one axis of the tile at `start`."""
    size = min(tile, length - start)
    distance = torch.arange(size, dtype=like.dtype, device=like.device)
    weight = torch.ones_like(distance)
    if not halo:
        return weight
    rising = ((distance - halo / 2 + 0.5) / halo).clamp(0, 1)
    if start > 0:
        weight = weight * rising
    if start + size < length:
        weight = weight * rising.flip(0)
    return weight
