# SPDX-License-Identifier: GPL-3.0-or-later
"""A bank of projections of many molecules, for scenes drawn by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor

from cryosegment.core.models.tensors import write_tensors
from cryosegment.core.optics.projection import (
    project,
    random_angles,
    rotation_matrices,
    silhouettes,
)
from cryosegment.core.simulation.molecule import Molecule

PIXELS_PER_DIAMETER = 32
SIDE = 48
"""Side of a projection, px: the diameter and a margin for the corners of its rotations."""


@dataclass(frozen=True)
class ProjectionBank:
    """Projections and silhouettes at 32 px per diameter.

    Parameters
    ----------
    projections
        `(m, v, 48, 48)` projected densities of m molecules in v views each, scaled so that
        the mean over a molecule's silhouettes is 1.
    silhouettes
        `(m, v, 48, 48)` 1 where the ray meets the molecule, else 0.
    diameters
        `(m,)` longest dimension in Å.
    """

    projections: Float[Tensor, "m v s s"]
    silhouettes: Float[Tensor, "m v s s"]
    diameters: Float[Tensor, " m"]

    def save(self, path: Path) -> None:
        """Write as safetensors, half precision."""
        tensors = {
            "projections": self.projections.half(),
            "silhouettes": self.silhouettes.half(),
            "diameters": self.diameters,
        }
        write_tensors(path, tensors)


def read_bank(path: Path) -> ProjectionBank:
    """The bank in a file written by `ProjectionBank.save`."""
    tensors = load_file(path)
    return ProjectionBank(tensors["projections"], tensors["silhouettes"], tensors["diameters"])


def build_bank(
    molecules: Sequence[Molecule], views: int, generator: torch.Generator
) -> ProjectionBank:
    """Project every molecule in random orientations.

    The molecules' grids must be at `diameter / PIXELS_PER_DIAMETER` Å per voxel.
    """
    projections, outlines = [], []
    for molecule in molecules:
        rotations = rotation_matrices(random_angles(views, generator))
        density = _centred(project(molecule.density, rotations))
        outline = _centred(silhouettes(molecule.support, rotations).float())
        projections.append(density / density[outline > 0].mean())
        outlines.append(outline)
    diameters = torch.tensor([molecule.diameter for molecule in molecules])
    return ProjectionBank(torch.stack(projections), torch.stack(outlines), diameters)


def _centred(images: Float[Tensor, "n h w"]) -> Float[Tensor, "n s s"]:
    """Images cropped or padded to `SIDE`; the origin stays at n // 2."""
    length = images.shape[-1]
    before = SIDE // 2 - length // 2
    after = SIDE - length - before
    return torch.nn.functional.pad(images, (before, after, before, after))
