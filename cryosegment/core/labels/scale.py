# SPDX-License-Identifier: GPL-3.0-or-later
"""Scale of coordinates: in pixels of the micrograph, or of binned particle images.

Scipion writes the coordinates of extracted particles in pixels of the particle images, and those of
imported particles in pixels of the micrographs; only their positions show which it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.particles import Particles

MICROGRAPH, PARTICLE = "micrograph", "particle"
SAME = 0.01
"""Pixel sizes that differ by less than this fraction are the same."""
CONTRADICTS = 0.03
"""Pixel sizes from two sources contradict each other if they differ by this fraction."""
OUTSIDE = 0.01
"""A scale is wrong if it puts more than this fraction of the particles outside."""
CHANCE = 0.001
"""Probability below which it is no chance that all particles lie in one corner."""


@dataclass(frozen=True)
class Scale:
    """Scale of coordinates.

    Attributes
    ----------
    name
        "micrograph" or "particle" pixels.
    note
        How it was found, in a sentence.
    """

    name: str
    note: str


def find_scale(
    asked: str,
    particles: Sequence[Particles],
    shapes: Sequence[tuple[int, int]],
    pixel_sizes: Sequence[float],
) -> Scale:
    """Scale of the coordinates, from where the particles would lie.

    Parameters
    ----------
    asked
        "micrograph" or "particle" if the user gave it; anything else is found out.
    particles
        Particles of some micrographs, a record for each.
    shapes
        Rows and columns of these micrographs.
    pixel_sizes
        Of these micrographs, Å/px.
    """
    if asked in (MICROGRAPH, PARTICLE):
        return Scale(asked, f"coordinates are in {asked} pixels, as given")
    if any(_is_relative(own) for own in particles):
        return Scale(MICROGRAPH, "coordinates are fractions of the sides of the micrograph")
    ratios = [own.pixel_sizes / size for own, size in zip(particles, pixel_sizes)]
    # false where the ratio is unknown
    others = [np.abs(ratio - 1) > SAME for ratio in ratios]
    factors = np.concatenate([ratio[other] for ratio, other in zip(ratios, others)] or [[]])
    if not len(factors):
        return Scale(MICROGRAPH, "coordinates are in micrograph pixels")
    centers_yx = np.concatenate([own.centers_yx[other] for own, other in zip(particles, others)])
    sizes = np.repeat(np.array(shapes, float), [other.sum() for other in others], axis=0)
    outside = _part_outside(centers_yx, sizes)
    outside_scaled = _part_outside(centers_yx * factors[:, None], sizes)
    name, why = _choose(outside, outside_scaled, factors)
    return Scale(
        name,
        f"coordinates are in {name} pixels: {why} (of {len(factors)} particles {outside:.1%} would "
        f"lie outside as micrograph pixels, {outside_scaled:.1%} as particle pixels, which are "
        f"{np.median(factors):.3g} times as large)",
    )


def _is_relative(particles: Particles) -> bool:
    return len(particles) > 0 and bool((particles.shapes > 0).all())


def _part_outside(centers_yx: Float[np.ndarray, "n 2"], sizes: Float[np.ndarray, "n 2"]) -> float:
    outside = (centers_yx < -0.5) | (centers_yx > sizes - 0.5)
    return float(outside.any(axis=1).mean())


def _choose(
    outside: float, outside_scaled: float, ratios: Float[np.ndarray, " n"]
) -> tuple[str, str]:
    if outside_scaled > OUTSIDE or outside > OUTSIDE:
        name = MICROGRAPH if outside <= outside_scaled else PARTICLE
        return name, "with the other scale they do not fit"
    # Both fit. The scale with the smaller extent leaves a margin that is unlikely to be empty.
    chance = float(np.exp(-2 * np.abs(np.log(ratios)).sum()))
    if chance > CHANCE:
        return MICROGRAPH, "both scales fit and the particles are few, so this is a guess"
    wider = PARTICLE if np.median(ratios) > 1 else MICROGRAPH
    return wider, "with the other scale all would lie in one corner"


def on_micrograph(
    particles: Particles,
    scale: Scale,
    shape: tuple[int, int],
    pixel_size: float,
    y_up: bool = False,
) -> Particles:
    """The particles of a micrograph with coordinates in its pixels.

    Parameters
    ----------
    particles
        Of one micrograph.
    scale
        Scale of their coordinates.
    shape
        Rows and columns of the micrograph.
    pixel_size
        Of the micrograph, Å/px.
    y_up
        Whether the y axis of the coordinates points up.

    Raises
    ------
    InputError
        If the micrograph has another aspect ratio than in the particle file.
    """
    if _is_relative(particles) and scale.name == MICROGRAPH:
        factors = np.array(shape) / particles.shapes
        is_known = (particles.shapes > 1).all(axis=1)
        if (np.abs(factors[:, 0] / factors[:, 1] - 1) > SAME)[is_known].any():
            raise InputError(
                f"micrograph {particles.micrographs[0]} has {shape[0]} x {shape[1]} px, but "
                f"{particles.shapes[0, 0]} x {particles.shapes[0, 1]} according to the particles: "
                "give the micrographs that they were picked on"
            )
        particles = particles.scaled(factors)
    elif scale.name == PARTICLE:
        particles = _enlarged(particles, pixel_size)
    return particles.flipped(shape[0]) if y_up else particles


def _enlarged(particles: Particles, pixel_size: float) -> Particles:
    """Coordinates in particle px as those of a micrograph with `pixel_size` Å/px.

    Scipion rounds scaled coordinates down to whole particle pixels, which moves them by half of the
    excess of a particle pixel over a micrograph pixel on average, or up to 0.5 px more if the
    ratio is not whole; this is corrected.
    """
    factors = particles.pixel_sizes / pixel_size
    factors = np.where(np.isfinite(factors), factors, 1.0)[:, None]
    is_cut = bool((particles.centers_yx % 1 == 0).all())
    lost = np.maximum(factors - 1, 0) / 2 if is_cut else 0.0
    return replace(particles, centers_yx=particles.centers_yx * factors + lost)
