# SPDX-License-Identifier: GPL-3.0-or-later
"""Aggregates: overlapping particles that cannot be used."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cryosegment.core.optics.projection import (
    random_angles,
    rotation_matrices,
    silhouettes,
)
from cryosegment.core.simulation.drawing import Canvas
from cryosegment.core.simulation.sample import Sample

# Smallest and largest number of particles in a heap.
MEMBERS = (6, 30)
# Views from which the particles of one heap are seen.
VIEWS = 6
# Radius of a heap, in particle diameters times the root of its number: its particles' discs
# have three times the heap's area.
CROWDING = 0.29


def draw_aggregates(
    sample: Sample, count: int, size: tuple[int, int], generator: torch.Generator
) -> tuple[Float[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """Projected density of aggregates, and the pixels that they cover.

    Parameters
    ----------
    sample
        Molecules; each aggregate has one species.
    count
        Number of aggregates; the border may cut them.
    size
        Height and width of the micrograph, px.
    generator
        Source of places and shapes.
    """
    # Centres keep inside the image, members may lie outside it by a heap's radius.
    box = max(len(molecule.density) for molecule in sample.molecules)
    reach = math.ceil(2 * CROWDING * math.sqrt(MEMBERS[1]) * box)
    canvas = Canvas(size[0], size[1], box + reach, generator.device)
    for species in sample.draw_species(count, generator).tolist():
        _add_heap(canvas, sample, species, size, generator)
    return canvas.potential, canvas.owners > 0


def _add_heap(
    canvas: Canvas,
    sample: Sample,
    species: int,
    size: tuple[int, int],
    generator: torch.Generator,
) -> None:
    molecule = sample.molecules[species]
    u = torch.rand(5, generator=generator, device=generator.device).tolist()
    members = MEMBERS[0] + int((MEMBERS[1] - MEMBERS[0] + 1) * u[0])
    rotations = rotation_matrices(random_angles(VIEWS, generator))
    images = molecule.projector.project(rotations)
    masks = silhouettes(molecule.support, rotations)
    radius = CROWDING * math.sqrt(members) * molecule.diameter / molecule.pixel_size
    flattening, turn = 0.5 + 0.5 * u[3], math.pi * u[4]
    draw = torch.rand(members, 2, generator=generator, device=generator.device).tolist()
    for member, (share, around) in enumerate(draw):
        far, angle = radius * math.sqrt(share), 2 * math.pi * around
        along, across = far * math.cos(angle), flattening * far * math.sin(angle)
        y = u[1] * size[0] + along * math.sin(turn) + across * math.cos(turn)
        x = u[2] * size[1] + along * math.cos(turn) - across * math.sin(turn)
        view, quarter = member % VIEWS, member // VIEWS
        image, mask = (torch.rot90(stack[view], quarter) for stack in (images, masks))
        canvas.add((round(y), round(x)), image, mask, 1)
