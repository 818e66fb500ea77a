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
    instances: Int[Tensor, "h w"],
    contamination: Float[Tensor, "h w"],
    known: Float[Tensor, "h w"],
    centers_yx: Float[Tensor, "n 2"],
    diameter: float,
    edge: Float[Tensor, "h w"] | None = None,
) -> Targets:
    """Targets of one patch, as a batch of one.

    Parameters
    ----------
    instances
        0 is background, k the particle of row k - 1 of `centers_yx`.
    contamination, known
        0 or 1.
    centers_yx
        px; may lie outside the patch.
    diameter
        Nominal particle diameter, px.
    edge
        0 or 1: where the labels see the edge of a particle. Pixels along the outline are edge in
        any case: a narrow class has gaps at working scale, and some labels have none.
    """
    radius = diameter / 2
    particle = (instances > 0).float()
    padded = torch.cat((torch.zeros(1, 2), centers_yx.float()))
    height, width = instances.shape
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    displacement = padded[instances.long()] - torch.stack((rows, columns), -1)
    squared = displacement.square().sum(-1)
    center = torch.exp(-squared / (2 * (CENTER_SIGMA * diameter) ** 2)) * particle
    peak = (displacement.abs().amax(-1) <= 0.5) & (instances > 0)
    outline = _outline(instances)
    offset = (displacement / radius * particle[..., None]).movedim(-1, 0)
    return Targets(
        particle=particle[None],
        center=torch.where(peak, 1.0, center)[None],
        edge=(outline if edge is None else torch.maximum(outline, edge.float()))[None],
        contamination=contamination.float()[None],
        offset=offset[None],
        known=known.float()[None],
    )


def _outline(instances: Int[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """1 on particle pixels whose 3 x 3 neighbourhood holds another label."""
    plane = instances.float()[None, None]
    padded = functional.pad(plane, (1, 1, 1, 1), mode="replicate")
    highest = functional.max_pool2d(padded, 3, stride=1)
    lowest = -functional.max_pool2d(-padded, 3, stride=1)
    return ((highest != lowest) & (plane > 0)).float()[0, 0]


def stack(targets: list[Targets]) -> Targets:
    """One batch of many."""
    names = [f.name for f in fields(Targets)]
    return Targets(**{name: torch.cat([getattr(t, name) for t in targets]) for name in names})
