# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets of the heads of a picking network, from label maps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from cryosegment.core.training.fit.objective import Targets

CENTER_SIGMA = 0.12
"""Width of the centre heat map, in particle diameters."""
HEAT_REACH = 5.0
"""Radius of the heat map of a centre, in such widths; it is 4e-6 there."""


@dataclass(frozen=True)
class PickingTargets(Targets):
    """Targets of a batch; every map is `(b, h, w)` but `offset`, which is `(b, 2, h, w)`.

    Parameters
    ----------
    particle, center, edge, contamination
        In [0, 1].
    offset
        (centre - pixel) / radius, (y, x), where `particle` is 1.
    known
        1 where the label is known, 0 where the losses ignore it.
    """

    particle: Float[Tensor, "b h w"]
    center: Float[Tensor, "b h w"]
    edge: Float[Tensor, "b h w"]
    contamination: Float[Tensor, "b h w"]
    offset: Float[Tensor, "b 2 h w"]
    known: Float[Tensor, "b h w"]


def make_targets(
    instances: Int[Tensor, "b h w"],
    contamination: Float[Tensor, "b h w"],
    known: Float[Tensor, "b h w"],
    centers_yx: Float[Tensor, "b n 2"],
    diameters: Float[Tensor, " b"],
    edge: Float[Tensor, "b h w"] | None = None,
) -> PickingTargets:
    """Targets of some patches.

    Parameters
    ----------
    instances
        0 is background, k the particle of row k - 1 of `centers_yx`.
    contamination, known
        0 or 1.
    centers_yx
        px; may lie outside the patch. Rows that no instance has may hold anything.
    diameters
        Nominal particle diameter, px.
    edge
        0 or 1: the edge class of the labels. Pixels along the outline are edge in any case: a
        narrow class has gaps at working scale, and some labels have none.
    """
    count, height, width = instances.shape
    device = instances.device
    radii = (diameters / 2)[:, None, None, None]
    particle = (instances > 0).float()
    table = functional.pad(centers_yx.float(), (0, 0, 1, 0))
    numbers = torch.arange(count, device=device)[:, None, None]
    sides = (torch.arange(side, device=device) for side in (height, width))
    pixels = torch.stack(torch.meshgrid(*sides, indexing="ij"), -1)
    displacement = table[numbers, instances.long()] - pixels
    outline = _outline(instances)
    return PickingTargets(
        particle=particle,
        center=_heat(instances, table, CENTER_SIGMA * diameters),
        edge=outline if edge is None else torch.maximum(outline, edge),
        contamination=contamination,
        offset=(displacement / radii * particle[..., None]).movedim(-1, 1),
        known=known,
    )


def _heat(
    instances: Int[Tensor, "b h w"], table: Float[Tensor, "b n 2"], sigmas: Float[Tensor, " b"]
) -> Float[Tensor, "b h w"]:
    """A Gaussian around the centre of each visible particle, 1 at the nearest pixel.

    It does not end with the particle's footprint, which may be narrow or not hold the centre.
    Row k of the table is the centre of instance k.
    """
    seen = torch.zeros(table.shape[:2], device=table.device)
    seen.scatter_(1, instances.flatten(1).long(), 1.0)
    seen[:, 0] = 0
    patches, rows = torch.nonzero(seen, as_tuple=True)
    heat = torch.zeros(instances.shape, device=table.device)
    if not len(rows):
        return heat
    centers = table[patches, rows]
    reach = math.ceil(HEAT_REACH * float(sigmas.max()))
    steps = torch.arange(-reach, reach + 1, device=table.device)
    pixels = centers.round()[:, :, None] + steps
    distances = pixels - centers[:, :, None]
    gaussian = torch.exp(-distances.square() / (2 * sigmas[patches, None, None] ** 2))
    values = gaussian[:, 0, :, None] * gaussian[:, 1, None]
    near = distances.abs() <= 0.5
    values = torch.where(near[:, 0, :, None] & near[:, 1, None], 1.0, values)
    sides = torch.tensor(instances.shape[1:], device=table.device)[:, None]
    inside = (pixels >= 0) & (pixels < sides)
    inside &= distances.abs() <= HEAT_REACH * sigmas[patches, None, None]
    values = torch.where(inside[:, 0, :, None] & inside[:, 1, None], values, 0.0)
    y, x = torch.minimum(pixels.clamp(min=0), sides - 1).long().unbind(1)
    place = (patches[:, None, None] * sides[0] + y[:, :, None]) * sides[1] + x[:, None]
    heat.view(-1).scatter_reduce_(0, place.flatten(), values.flatten(), "amax")
    return heat


def _outline(instances: Int[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """1 on particle pixels whose 3 x 3 neighbourhood holds another label."""
    planes = instances.float()[:, None]
    padded = functional.pad(planes, (1, 1, 1, 1), mode="replicate")
    highest = functional.max_pool2d(padded, 3, stride=1)
    lowest = -functional.max_pool2d(-padded, 3, stride=1)
    return ((highest != lowest) & (planes > 0)).float()[:, 0]
