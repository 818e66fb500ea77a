# SPDX-License-Identifier: GPL-3.0-or-later
"""Random positions of particles that keep a distance from each other."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

# Places tried for each particle, before it counts as one too many.
ATTEMPTS = 60
# Distances from a mask are taken in blocks of this many pixels.
BLOCK = 8

Place = tuple[int, int]


class Crowd:
    """Discs that have found a place, and whether another one finds room among them.

    Parameters
    ----------
    reach
        Largest radius of a disc, px.
    """

    def __init__(self, reach: float) -> None:
        self._cell = max(2 * reach, 1.0)
        self._cells: dict[Place, list[tuple[int, int, float]]] = defaultdict(list)

    def has_room(self, place: Place, radius: float) -> bool:
        """Whether a disc there would overlap none."""
        row, column = self._key(place)
        return all(
            (y - place[0]) ** 2 + (x - place[1]) ** 2 >= (radius + other) ** 2
            for i in (row - 1, row, row + 1)
            for j in (column - 1, column, column + 1)
            for y, x, other in self._cells.get((i, j), ())
        )

    def add(self, place: Place, radius: float) -> None:
        """Take in a disc."""
        self._cells[self._key(place)].append((*place, radius))

    def _key(self, place: Place) -> Place:
        return int(place[0] // self._cell), int(place[1] // self._cell)


def random_positions(
    allowed: Sequence[Bool[Tensor, "h w"]],
    kinds: Sequence[int],
    radii: Sequence[float],
    touching: float,
    generator: torch.Generator,
) -> tuple[Int[Tensor, "n 2"], list[int]]:
    """Random places of discs that do not overlap: rows and columns, and which discs they are.

    Parameters
    ----------
    allowed
        For each kind of disc, where its centre may lie.
    kinds
        The kind of each disc, in the order in which they are placed.
    radii
        For each kind, px: two discs keep the sum of their radii.
    touching
        Share of the discs, the last ones, that are put beside one that lies already.
    generator
        Source of the places.

    Returns
    -------
    Places `(n, 2)` and the indices `(n,)` of the discs that found one; the image may be full.

    Notes
    -----
    Random sequential addition: a place is kept if it is far enough from all kept before.
    """
    device = allowed[0].device if allowed else generator.device
    crowd = Crowd(max(radii, default=0.0))
    free = [torch.nonzero(mask.flatten()).squeeze(1) for mask in allowed]
    placed: list[Place] = []
    indices: list[int] = []
    beside = len(kinds) - round(touching * len(kinds))
    for index, kind in enumerate(kinds):
        if index < beside or not placed:
            places = _anywhere(free[kind], allowed[kind].shape[1], generator)
        else:
            others = [(placed[k], radii[kinds[i]]) for k, i in enumerate(indices)]
            places = _beside(others, radii[kind], allowed[kind], generator)
        found = next((place for place in places if crowd.has_room(place, radii[kind])), None)
        if found is not None:
            crowd.add(found, radii[kind])
            placed.append(found)
            indices.append(index)
    return torch.tensor(placed, dtype=torch.long, device=device).reshape(-1, 2), indices


def _anywhere(free: Int[Tensor, " p"], width: int, generator: torch.Generator) -> list[Place]:
    """Places to try, from the flat indices of the free pixels."""
    if len(free) == 0:
        return []
    draw = torch.randint(len(free), (ATTEMPTS,), generator=generator, device=generator.device)
    return [divmod(place, width) for place in free[draw.to(free.device)].tolist()]


def _beside(
    others: list[tuple[Place, float]],
    radius: float,
    allowed: Bool[Tensor, "h w"],
    generator: torch.Generator,
) -> list[Place]:
    """Places to try, each at the smallest distance from a random other disc."""
    draw = torch.rand(ATTEMPTS, 2, generator=generator, device=generator.device).tolist()
    places = []
    for which, turn in draw:
        (y, x), other = others[int(which * len(others))]
        # Rounding to a pixel moves a place by up to half a diagonal.
        distance, angle = radius + other + math.sqrt(0.5), 2 * math.pi * turn
        place = round(y + distance * math.sin(angle)), round(x + distance * math.cos(angle))
        is_inside = 0 <= place[0] < allowed.shape[0] and 0 <= place[1] < allowed.shape[1]
        if is_inside and bool(allowed[place]):
            places.append(place)
    return places


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
