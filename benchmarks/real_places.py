# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks that an expert has and that none has, and random places without any particle."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE
from scipy.spatial import cKDTree
from scoring import Sets

from cryosegment.core.evaluation.matching import match
from cryosegment.exchange.coordinates import Coordinates

TOLERANCE = 0.25
"""A pick is an expert's within this distance."""
FAR, APART = 1.0, 0.5
"""Of random places from any pick, and from each other. All three are in diameters."""
TRIALS = 20_000


def kinds_of_places(picks: Sets, experts: Sets, everybody: Iterable[Sets]) -> dict[str, Sets]:
    """As many of each kind on each micrograph: an expert has them, none has them, random places.

    Parameters
    ----------
    picks
        By micrograph, to be told apart.
    experts
        What the experts picked.
    everybody
        All picks that random places keep away from.
    """
    kinds: dict[str, Sets] = {"an expert has it": {}, "no expert has it": {}, "random places": {}}
    diameter = REAL_DIAMETER / REAL_PIXEL_SIZE
    crowd = list(everybody)
    for name, found in picks.items():
        generator = np.random.default_rng(0)
        pairs = match(found.centers_yx, experts[name].centers_yx, TOLERANCE * diameter)
        alone = np.setdiff1d(np.arange(len(found)), pairs.picks)
        taken = np.concatenate([sets[name].centers_yx for sets in crowd])
        free = free_places(taken, diameter, generator)
        count = min(len(alone), len(pairs.picks), len(free))
        places = Coordinates(free[:count], REAL_PIXEL_SIZE, name)
        sets = (
            found.select(generator.permutation(pairs.picks)[:count]),
            found.select(generator.permutation(alone)[:count]),
            places,
        )
        for kind, some in zip(kinds.values(), sets, strict=True):
            kind[name] = some
    return kinds


def free_places(
    taken: Float[np.ndarray, "n 2"], diameter: float, generator: np.random.Generator
) -> Float[np.ndarray, "m 2"]:
    """Random places of a micrograph far from those that are taken, in px: y, x."""
    trials = generator.uniform(diameter, 4096 - diameter, (TRIALS, 2))
    distance, _ = cKDTree(taken).query(trials)
    places: list[Float[np.ndarray, " 2"]] = []
    for trial in trials[distance > FAR * diameter]:
        if all(np.hypot(*(trial - other)) > APART * diameter for other in places):
            places.append(trial)
    return np.array(places).reshape(-1, 2)
