# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken particles: what is left of a molecule on one side of a cut."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cryosegment.core.optics.surface import longest_dimension
from cryosegment.core.simulation.molecule import Molecule

# Share of the molecule's volume that a fragment keeps.
KEPT = (0.25, 0.7)
# Width of the cut's edge, Å.
SOFTNESS = 3.0
# Voxels around a fragment.
MARGIN = 4


def break_molecule(molecule: Molecule, generator: torch.Generator) -> Molecule:
    """Fragment of a molecule: a quarter to two thirds of it, cut off by a random plane.

    It is centred as every molecule is: its centre of mass lies on voxel `n // 2`.

    Parameters
    ----------
    molecule
        The whole one.
    generator
        Source of the plane, on the CPU.
    """
    normal = torch.nn.functional.normalize(torch.randn(3, generator=generator), dim=0)
    share = KEPT[0] + (KEPT[1] - KEPT[0]) * float(torch.rand(1, generator=generator))
    axis = torch.arange(len(molecule.density)) - float(len(molecule.density) // 2)
    height = normal[0] * axis[:, None, None] + normal[1] * axis[:, None] + normal[2] * axis
    support = molecule.support.cpu()
    cut = torch.quantile(height[support][:: _stride(support)], 1 - share)
    soft = ((height - cut) * (molecule.pixel_size / SOFTNESS) + 0.5).clamp(0, 1)
    kept = support & (height > cut)
    density = _recentred(molecule.density.cpu() * soft, kept)
    support = _recentred(kept.float(), kept) > 0
    diameter = longest_dimension(support.numpy()) * molecule.pixel_size
    name = f"{molecule.name} fragment"
    return Molecule(density, support, molecule.pixel_size, diameter, name).to(
        molecule.density.device
    )


def _stride(support: Bool[Tensor, "n n n"]) -> int:
    """Step that leaves a million voxels or less: `torch.quantile` takes sixteen at most."""
    return max(1, int(support.sum()) // 1_000_000)


def _recentred(
    volume: Float[Tensor, "n n n"], body: Bool[Tensor, "n n n"]
) -> Float[Tensor, "m m m"]:
    """The surroundings of a body in an even box that holds it in every orientation."""
    voxels = torch.nonzero(body).double()
    centre = voxels.mean(dim=0).round()
    reach = float((voxels - centre).norm(dim=1).max())
    size = 2 * (math.ceil(reach) + MARGIN)
    low = centre.numpy().astype(np.int64) - size // 2
    result = volume.new_zeros(size, size, size)
    source = [slice(max(a, 0), min(a + size, len(volume))) for a in low]
    target = [slice(s.start - a, s.stop - a) for s, a in zip(source, low, strict=True)]
    result[tuple(target)] = volume[tuple(source)]
    return result
