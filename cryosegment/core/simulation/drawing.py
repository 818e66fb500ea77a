# SPDX-License-Identifier: GPL-3.0-or-later
"""Projections of particles laid on a micrograph, and whose silhouette each pixel is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int, Int16
from torch import Tensor

from cryosegment.core.optics.projection import rotation_matrices, silhouettes
from cryosegment.core.simulation.molecule import Molecule


class Canvas:
    """Projected density and the owner of each pixel, with a rim on which particles may end.

    Parameters
    ----------
    height, width
        Size of the micrograph, px.
    rim
        Width of the rim, px: half a box of the largest particle, at least.
    device
        Where it lies.
    """

    def __init__(self, height: int, width: int, rim: int, device: torch.device) -> None:
        self._rim = rim
        self._inner = (slice(rim, rim + height), slice(rim, rim + width))
        wide = (height + 2 * rim, width + 2 * rim)
        self._potential = torch.zeros(wide, device=device)
        self._owners = torch.zeros(wide, dtype=torch.int16, device=device)
        self._nearest = torch.full(wide, float("inf"), device=device)

    @property
    def potential(self) -> Float[Tensor, "h w"]:
        """Summed projections, density × voxels."""
        return self._potential[self._inner]

    @property
    def owners(self) -> Int16[Tensor, "h w"]:
        """Number of the particle whose silhouette covers the pixel and whose centre is nearest."""
        return self._owners[self._inner].contiguous()

    def add(
        self,
        centre: tuple[int, int],
        image: Float[Tensor, "n n"],
        mask: Bool[Tensor, "n n"],
        number: int,
    ) -> None:
        """Lay a particle, whose origin is pixel `n // 2` of its image, on a pixel."""
        box = image.shape[-1]
        top, left = (c + self._rim - box // 2 for c in centre)
        window = (slice(top, top + box), slice(left, left + box))
        self._potential[window] += image
        offset = torch.arange(box, device=image.device) - float(box // 2)
        distance = torch.hypot(offset[:, None], offset[None, :])
        mine = mask & (distance < self._nearest[window])
        self._owners[window][mine] = number
        self._nearest[window][mine] = distance[mine]


def draw_particles(
    bodies: Sequence[Molecule],
    kinds: Int[Tensor, " n"],
    centers_yx: Int[Tensor, "n 2"],
    angles: Float[Tensor, "n 3"],
    size: tuple[int, int],
) -> Canvas:
    """A canvas with all particles on it; particle k has number k + 1.

    Parameters
    ----------
    bodies
        What is drawn.
    kinds
        Index of each particle among the bodies.
    centers_yx
        Pixels on which their centres fall.
    angles
        rot, tilt, psi of each, degrees.
    size
        Height and width of the micrograph, px.
    """
    rim = max(len(body.density) for body in bodies)
    canvas = Canvas(size[0], size[1], rim, centers_yx.device)
    for kind in kinds.unique().tolist():
        chosen = torch.nonzero(kinds == kind).squeeze(1)
        rotations = rotation_matrices(angles[chosen])
        images = bodies[kind].projector.project(rotations)
        masks = silhouettes(bodies[kind].support, rotations)
        places = centers_yx[chosen].tolist()
        for number, (y, x), image, mask in zip(chosen.tolist(), places, images, masks, strict=True):
            canvas.add((y, x), image, mask, number + 1)
    return canvas
