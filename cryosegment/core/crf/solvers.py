# SPDX-License-Identifier: GPL-3.0-or-later
"""Solvers of the dense CRF behind one interface.

Each lowers an objective: the energy E itself, or E less its softness times the entropy, or plus
its softness times half the squared norm. The exact kernels are positive semi-definite and Potts
pays for differences, so E is concave; then every update below lowers its objective, whatever the
number of pixels that change at once. With the bilateral grid this holds up to its error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cryosegment.core.crf.energy import Energy
from cryosegment.core.parts import load_part
from cryosegment.exchange.parts import SOLVERS

LATTICE = 2  # ICM updates every second pixel of every second row at a time


@dataclass(frozen=True)
class Point:
    """Distributions and the conditional logits there."""

    q: Tensor
    logits: Tensor


@dataclass(frozen=True)
class Solution:
    """Result of a solver.

    Parameters
    ----------
    q
        Distributions.
    logits
        Conditional logits of each pixel, given its unary and all other pixels; after mean field
        the logits of the next update.
    energies
        Objective at the start and after each update; empty if it was not computed.
    """

    q: Tensor
    logits: Tensor
    energies: tuple[float, ...]


@dataclass(frozen=True)
class Solver:
    """A solver: what it does in each step, and what falls by it.

    Parameters
    ----------
    update
        The next point, from the energy, the point and the softness.
    objective
        Value at a point, of the same.
    """

    update: Callable[[Energy, Point, float], Point]
    objective: Callable[[Energy, Point, float], Tensor]


def solve(
    energy: Energy,
    solver: str,
    iterations: int,
    softness: float = 1.0,
    tolerance: float | None = None,
) -> Solution:
    """Run a solver from the distributions of the unary.

    Parameters
    ----------
    energy
        What to minimise.
    solver
        A name of `exchange.parts.SOLVERS`.
    iterations
        Number of updates of the conditional logits; ICM updates once for each part of a sweep.
    softness
        Factor of the entropy or the squared norm, for solvers that have one; mean field has 1.
    tolerance
        Stop when the objective changes by less than this per pixel. None: the energy is not
        computed at all.
    """
    chosen: Solver = load_part(SOLVERS[solver])
    point = _at(energy, energy.start())
    pixels = point.q.shape[-2] * point.q.shape[-1]
    energies: list[float] = []
    for step in range(iterations):
        if step:
            point = chosen.update(energy, point, softness)
        if tolerance is None:
            continue
        energies.append(float(chosen.objective(energy, point, softness)))
        if step and abs(energies[-1] - energies[-2]) < tolerance * pixels:
            break
    return Solution(point.q, point.logits, tuple(energies))


def _at(energy: Energy, q: Tensor) -> Point:
    return Point(q, energy.conditional(q))


def mean_field(energy: Energy, point: Point, softness: float) -> Point:
    """All pixels take the softmax of their conditional logits.

    Notes
    -----
    Krähenbühl & Koltun, NeurIPS 2011, algorithm 1; ICML 2013 for why the free energy falls.
    """
    return _at(energy, energy.soft(point.logits))


def entropic(energy: Energy, point: Point, softness: float) -> Point:
    """Frank-Wolfe step regularised by the entropy; with softness 1 it is mean field.

    Notes
    -----
    Lê-Huu & Alahari, NeurIPS 2021, with step 1.
    """
    return _at(energy, energy.soft(point.logits / softness))


def l2(energy: Energy, point: Point, softness: float) -> Point:
    """Frank-Wolfe step regularised by the squared norm.

    Notes
    -----
    Lê-Huu & Alahari, NeurIPS 2021, with step 1.
    """
    return _at(energy, energy.sparse(point.logits / softness))


def frank_wolfe(energy: Energy, point: Point, softness: float) -> Point:
    """Step towards the best labelling of the linearised energy, with line search."""
    return _line_search(energy, point, energy.sharp(point.logits))


def projected_gradient(energy: Energy, point: Point, softness: float) -> Point:
    """Projected unit step along the conditional logits, with line search."""
    return _line_search(energy, point, energy.stepped(point.q, point.logits))


def icm(energy: Energy, point: Point, softness: float) -> Point:
    """Iterated conditional modes: interleaved parts of the image take their best label in turn.

    Notes
    -----
    Besag 1986, but a quarter of the pixels at once; a pixel hears its own label a little.
    """
    for row in range(LATTICE):
        for column in range(LATTICE):
            q = point.q.clone()
            part = (..., slice(row, None, LATTICE), slice(column, None, LATTICE))
            q[part] = energy.sharp(point.logits[part])
            point = _at(energy, q)
    return point


def _line_search(energy: Energy, point: Point, target: Tensor) -> Point:
    """The best point between here and a target: the energy is a parabola along the way."""
    direction = target - point.q
    slope = energy.slope(direction)
    fall = (point.logits * direction).sum(dtype=torch.float64)
    bend = (slope * direction).sum(dtype=torch.float64)  # minus the second derivative
    whole = torch.ones_like(fall)
    share = torch.where(bend < 0, (-fall / bend).clamp(max=1), whole).to(direction)
    return Point(point.q + share * direction, point.logits + share * slope)


def _free_energy(energy: Energy, point: Point, softness: float) -> Tensor:
    return energy.value(point.q, point.logits) - energy.entropy(point.q)


def _soft_energy(energy: Energy, point: Point, softness: float) -> Tensor:
    return energy.value(point.q, point.logits) - softness * energy.entropy(point.q)


def _square_energy(energy: Energy, point: Point, softness: float) -> Tensor:
    return energy.value(point.q, point.logits) + softness * energy.half_square(point.q)


def _energy(energy: Energy, point: Point, softness: float) -> Tensor:
    return energy.value(point.q, point.logits)


MEAN_FIELD = Solver(mean_field, _free_energy)
ENTROPIC = Solver(entropic, _soft_energy)
L2 = Solver(l2, _square_energy)
FRANK_WOLFE = Solver(frank_wolfe, _energy)
PROJECTED_GRADIENT = Solver(projected_gradient, _energy)
ICM = Solver(icm, _energy)
