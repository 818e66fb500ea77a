# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample: one or more species of molecules, and fragments of broken ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cryosegment.core.simulation.fragments import break_molecule
from cryosegment.core.simulation.molecule import Molecule, read_molecule
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import SimulateParams

# Different pieces of each species that a simulation has.
PIECES = 4


@dataclass(frozen=True)
class Sample:
    """Molecules in a mixture.

    Attributes
    ----------
    molecules
        The species, all at one pixel size.
    ratios
        Parts of each in the mixture; empty: equal parts.
    fragments
        Broken molecules; each species has as many.
    """

    molecules: tuple[Molecule, ...]
    ratios: tuple[float, ...] = ()
    fragments: tuple[Molecule, ...] = ()

    @property
    def bodies(self) -> tuple[Molecule, ...]:
        """All that is drawn: the species, then the fragments."""
        return self.molecules + self.fragments

    @property
    def diameter(self) -> float:
        """Longest dimension of the largest species, Å."""
        return max(molecule.diameter for molecule in self.molecules)

    @property
    def weights(self) -> Float[Tensor, " species"]:
        """Share of each species, summing to 1."""
        parts = torch.tensor(self.ratios or (1.0,) * len(self.molecules))
        return parts / parts.sum()

    @property
    def area(self) -> float:
        """Mean area of a particle as a disc, Å²."""
        areas = [math.pi / 4 * molecule.diameter**2 for molecule in self.molecules]
        return float(self.weights @ torch.tensor(areas))

    def draw_species(self, count: int, generator: torch.Generator) -> Int[Tensor, " n"]:
        """Index of a random species for each of `count` particles."""
        return self._draw(self.weights, count, generator)

    def draw_fragments(self, count: int, generator: torch.Generator) -> Int[Tensor, " n"]:
        """Index among `bodies` of a random fragment for each of `count` broken particles."""
        if not self.fragments:
            return torch.zeros(0, dtype=torch.long, device=generator.device)
        pieces = len(self.fragments) // len(self.molecules)
        chosen = self._draw(self.weights.repeat_interleave(pieces), count, generator)
        return chosen + len(self.molecules)

    def _draw(
        self, weights: Float[Tensor, " k"], count: int, generator: torch.Generator
    ) -> Int[Tensor, " n"]:
        if count == 0:
            return torch.zeros(0, dtype=torch.long, device=generator.device)
        weights = weights.to(generator.device)
        return torch.multinomial(weights, count, replacement=True, generator=generator)


def read_sample(params: SimulateParams, device: str = "cpu") -> Sample:
    """The molecules that `params` names, read and, where junk is asked for, broken.

    Raises
    ------
    ParameterError, InputError
        If a molecule cannot be read.
    """
    molecules = [read_molecule(source, params.pixel_size) for source in params.molecule]
    fragments: list[Molecule] = []
    if params.junk:
        generator = torch.Generator().manual_seed(params.seed)
        fragments = [break_molecule(whole, generator) for whole in molecules for _ in range(PIECES)]
    return Sample(
        tuple(molecule.to(device) for molecule in molecules),
        params.ratios,
        tuple(fragment.to(device) for fragment in fragments),
    )


def check_fit(sample: Sample, params: SimulateParams) -> None:
    """Check that molecules and micrograph have one pixel size, and that they fit.

    Raises
    ------
    InputError
        If not.
    """
    width = params.pixel_size * min(params.size)
    for molecule in sample.molecules:
        if not math.isclose(molecule.pixel_size, params.pixel_size, rel_tol=1e-6):
            raise InputError(
                f"expected molecule {molecule.name} at {params.pixel_size} Å/px, found "
                f"{molecule.pixel_size}: read it at the micrograph's pixel size"
            )
        if molecule.diameter > width:
            raise InputError(
                f"molecule {molecule.name} is {molecule.diameter:.0f} Å long, the micrograph "
                f"{width:.0f} Å wide: give a larger size or pixel size"
            )
