# SPDX-License-Identifier: GPL-3.0-or-later
"""Images too large for memory, in overlapping tiles."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product

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

    The tiles reach `halo` beyond what is kept of each, except at the border of the image.

    Parameters
    ----------
    function
        Takes an image and gives maps of the same height and width.
    image
        Any size; one that fits a tile goes through at once.
    tile
        Largest side of a tile, px.
    halo
        How far, in px, the border of a tile disturbs its result.
    stride
        Tiles start at multiples of this, so that a function that reduces the image by as much
        sees the same pixels together as it would in the whole image.

    Raises
    ------
    ParameterError
        If a tile has no inside: `tile < 2 * halo + stride`, the halo rounded up to whole strides.
    """
    height, width = image.shape
    if max(height, width) <= tile:
        return function(image)
    halo = -(-halo // stride) * stride
    if tile < 2 * halo + stride:
        raise ParameterError(
            f"expected a tile of at least {2 * halo + stride} px (twice the halo, and {stride} "
            f"inside), got {tile}"
        )
    rows, columns = (
        list(pairwise(inner_edges(side, tile - 2 * halo, stride))) for side in (height, width)
    )
    whole: Tensor | None = None
    for (top, bottom), (left, right) in product(rows, columns):
        first_row, first_column = max(0, top - halo), max(0, left - halo)
        maps = function(image[first_row : bottom + halo, first_column : right + halo])
        if whole is None:
            whole = maps.new_empty(maps.shape[0], height, width)
        whole[:, top:bottom, left:right] = maps[
            :, top - first_row : bottom - first_row, left - first_column : right - first_column
        ]
    assert whole is not None  # there is at least one tile
    return whole


def inner_edges(length: int, inside: int, stride: int = 1) -> list[int]:
    """Where the insides of tiles meet along one axis: multiples of the stride, evenly spread.

    Parameters
    ----------
    length, inside
        Pixels of the axis, and of the inside of a tile at most; at least a stride.
    stride
        px.
    """
    units = -(-length // stride)
    count = -(-units // (inside // stride))
    return [*(stride * (index * units // count) for index in range(count)), length]
