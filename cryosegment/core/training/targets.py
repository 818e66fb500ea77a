# SPDX-License-Identifier: GPL-3.0-or-later
"""What the heads of the network should say, from label maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

CENTER_SIGMA = 0.12
"""Width of the centre heat map, in particle diameters."""


@dataclass(frozen=True)
class Targets:
    """Targets of a batch; every map is `(b, h, w)` but `offset`, which is `(b, 2, h, w)`.

    Parameters
    ----------
    particle, center, edge, contamination
        In [0, 1].
    offset
        (centre - pixel) / radius, (y, x), where `particle` is 1.
    known
        1 where the label is known, 0 where the losses must look away.
    """

    particle: Float[Tensor, "b h w"]
    center: Float[Tensor, "b h w"]
    edge: Float[Tensor, "b h w"]
    contamination: Float[Tensor, "b h w"]
    offset: Float[Tensor, "b 2 h w"]
    known: Float[Tensor, "b h w"]

    def map(self, function: Callable[[Tensor], Tensor]) -> Targets:
        """The same targets with a function applied to every map."""
        return Targets(**{f.name: function(getattr(self, f.name)) for f in fields(self)})


def make_targets(
    instances: Int[Tensor, "b h w"],
    contamination: Float[Tensor, "b h w"],
    known: Float[Tensor, "b h w"],
    centers_yx: Float[Tensor, "b n 2"],
    diameters: Float[Tensor, " b"],
    edge: Float[Tensor, "b h w"] | None = None,
) -> Targets:
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
        0 or 1: where the labels see the edge of a particle. Pixels along the outline are edge in
        any case: a narrow class has gaps at working scale, and some labels have none.
    """
    count, height, width = instances.shape
    device = instances.device
    radii = (diameters / 2)[:, None, None]
    particle = (instances > 0).float()
    table = functional.pad(centers_yx.float(), (0, 0, 1, 0))
    numbers = torch.arange(count, device=device)[:, None, None]
    sides = (torch.arange(side, device=device) for side in (height, width))
    pixels = torch.stack(torch.meshgrid(*sides, indexing="ij"), -1)
    displacement = table[numbers, instances.long()] - pixels
    squared = displacement.square().sum(-1)
    center = torch.exp(-squared / (2 * (2 * CENTER_SIGMA * radii) ** 2)) * particle
    peak = (displacement.abs().amax(-1) <= 0.5) & (instances > 0)
    outline = _outline(instances)
    offset = (displacement / radii[..., None] * particle[..., None]).movedim(-1, 1)
    return Targets(
        particle=particle,
        center=torch.where(peak, 1.0, center),
        edge=outline if edge is None else torch.maximum(outline, edge),
        contamination=contamination,
        offset=offset,
        known=known,
    )


def _outline(instances: Int[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """1 on particle pixels whose 3 x 3 neighbourhood holds another label."""
    planes = instances.float()[:, None]
    padded = functional.pad(planes, (1, 1, 1, 1), mode="replicate")
    highest = functional.max_pool2d(padded, 3, stride=1)
    lowest = -functional.max_pool2d(-padded, 3, stride=1)
    return ((highest != lowest) & (planes > 0)).float()[:, 0]
