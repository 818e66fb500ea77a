# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of picks that need no reference: numbers, density, scores, and how sets agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from cryosegment.core.consensus.sets import Consensus, alike
from cryosegment.core.survey.arrangement import Arrangement, Points, Size, arrange, spanned
from cryosegment.core.survey.picked import PickedSet
from cryosegment.exchange.consensus import Counts
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.ctf import CtfEstimate
from cryosegment.exchange.names import ByMicrograph
from cryosegment.exchange.pick_summary import MicrographSummary

BINS = 50
"""Of the histogram of scores."""
ODD = 4.0
"""Numbers of picks further from the median than this many standard deviations are odd."""
MAD_TO_SD = 1.4826
UM2 = 1e8
"""Å² in a µm²."""
NO_PICKS, FEW_PICKS, MANY_PICKS = "no picks", "few picks", "many picks"

Values = Float[np.ndarray, " micrographs"]


@dataclass(frozen=True)
class SetSurvey:
    """Figures of one set; arrays have a value for each micrograph of the survey.

    Parameters
    ----------
    label
        Of the set.
    coordinates
        Its picks by micrograph.
    counts
        Picks on each micrograph; NaN where the set does not have it.
    densities
        Picks per µm² of the area that the set's picks span on all micrographs of the same shape.
    quartiles
        First, second and third of the scores, (micrographs, 3); NaN without scores.
    edges, histogram
        Of all scores; empty without scores.
    arrangement
        How the picks lie to each other.
    remarks
        What is odd about which micrographs.
    times
        When each was picked, seconds since 1970; NaN where unknown.
    false_discoveries
        As in `PickedSet`.
    """

    label: str
    coordinates: Mapping[str, Coordinates]
    counts: Values
    densities: Values
    quartiles: Float[np.ndarray, "micrographs 3"]
    edges: Float[np.ndarray, " edges"]
    histogram: Float[np.ndarray, " bins"]
    arrangement: Arrangement
    remarks: Mapping[str, Sequence[str]]
    times: Values
    false_discoveries: tuple[np.ndarray, np.ndarray] | None

    @property
    def picks(self) -> int:
        """Number of picks on all micrographs."""
        return int(np.nansum(self.counts))


@dataclass(frozen=True)
class Survey:
    """Figures of some sets of picks.

    Parameters
    ----------
    diameter
        Of the particle, Å.
    names
        Of all micrographs, in the order of their acquisition.
    defocus
        Of each, µm; NaN where unknown.
    sets
        Figures of each set.
    agreement
        How far several sets agree; None for one.
    failures
        Micrographs with files that cannot be read, and why.
    """

    diameter: float
    names: Sequence[str]
    defocus: Values
    sets: Sequence[SetSurvey]
    agreement: Counts | None
    failures: Mapping[str, str]


def survey(
    sets: Sequence[PickedSet],
    order: Sequence[str],
    ctfs: ByMicrograph[CtfEstimate],
    diameter: float,
    radius: float,
) -> Survey:
    """Figures of some sets of picks.

    Parameters
    ----------
    sets
        The sets.
    order
        Names of micrographs in the order of their acquisition; others follow by name, numbers in
        it by value.
    ctfs
        Their CTFs.
    diameter
        Of the particle, Å.
    radius
        Largest distance of picks of one particle, Å.

    Raises
    ------
    InputError
        If no two sets share a micrograph, or one names a micrograph twice.
    """
    picks = alike([each.picks for each in sets])
    known = {name for own in picks for name in own}
    first = [name for name in dict.fromkeys(order) if name in known]
    names = [*first, *sorted(known - set(first), key=by_value)]
    found = [ctfs.of(name) for name in names]
    defocus = [np.nan if c is None else (c.defocus_u + c.defocus_v) / 2e4 for c in found]
    failures = {
        name: f"{each.label}: {error}" for each in sets for name, error in each.failures.items()
    }
    return Survey(
        diameter,
        names,
        np.array(defocus, float),
        [_survey(each, own, names, diameter) for each, own in zip(sets, picks, strict=True)],
        _agreement(picks, diameter, radius) if len(sets) > 1 else None,
        failures,
    )


def by_value(name: str) -> list[tuple[int, str]]:
    """Key that sorts names by the values of the numbers in them, 2 before 10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part) if part.isdecimal() else -1, part) for part in parts]


def _agreement(
    sets: Sequence[Mapping[str, Coordinates]], diameter: float, radius: float
) -> Counts | None:
    """How far sets agree on all micrographs together; None if there is none."""
    sizes = [each.pixel_size for picks in sets for each in picks.values()]
    if not sizes:
        return None
    consensus = Consensus(sets, sizes[0], diameter, radius)
    found = []
    for name in consensus.names:
        particles = consensus.particles(name)
        found.append(Counts.of(particles, particles.votes > len(sets) // 2))
    return Counts.total(found)


def _survey(
    own: PickedSet, picks: Mapping[str, Coordinates], names: Sequence[str], diameter: float
) -> SetSurvey:
    rows = [i for i, name in enumerate(names) if name in picks]
    found = [picks[names[i]] for i in rows]
    counts, densities, times = (np.full(len(names), np.nan) for _ in range(3))
    quartiles = np.full((len(names), 3), np.nan)
    summaries, known_times = ByMicrograph(own.summaries), ByMicrograph(own.times)
    places = list(_places(summaries, found))
    for i, each, (_, size) in zip(rows, found, places, strict=True):
        counts[i] = len(each)
        area = size[0] * size[1] / UM2
        densities[i] = len(each) / area if area else np.nan
        scores = each.scores[~np.isnan(each.scores)]
        if len(scores):
            quartiles[i] = np.quantile(scores, (0.25, 0.5, 0.75))
        when = known_times.of(each.name)
        times[i] = np.nan if when is None else when
    scores = np.concatenate([np.empty(0), *(each.scores for each in found)])
    scores = scores[~np.isnan(scores)]
    histogram, edges = np.histogram(scores, BINS) if len(scores) else (np.empty(0), np.empty(0))
    return SetSurvey(
        own.label,
        picks,
        counts,
        densities,
        quartiles,
        edges,
        histogram.astype(float),
        arrange([points for points, _ in places], [size for _, size in places], diameter),
        _remarks(summaries, names, counts),
        times,
        own.false_discoveries,
    )


def _places(
    summaries: ByMicrograph[MicrographSummary], found: Sequence[Coordinates]
) -> Iterator[tuple[Points, Size]]:
    """Centres of the picks on each micrograph from a corner of its field, and its size, Å."""
    known = [summaries.of(each.name) for each in found]
    shapes = [None if summary is None else summary.shape for summary in known]
    fields = {
        shape: spanned([each for each, its in zip(found, shapes, strict=True) if its == shape])
        for shape in set(shapes)
    }
    for each, shape in zip(found, shapes, strict=True):
        corner, (height, width) = fields[shape]
        yield each.centers_yx * each.pixel_size - corner, (float(height), float(width))


def _remarks(
    summaries: ByMicrograph[MicrographSummary], names: Sequence[str], counts: Values
) -> dict[str, list[str]]:
    """What `pick` has remarked, and numbers of picks that are far from those of the others."""
    known = counts[~np.isnan(counts)]
    middle = float(np.median(known)) if len(known) else 0.0
    spread = MAD_TO_SD * float(np.median(np.abs(known - middle))) if len(known) else 0.0
    found = {}
    for name, count in zip(names, counts.tolist(), strict=True):
        summary = None if np.isnan(count) else summaries.of(name)
        remarks = [] if summary is None else list(summary.remarks)
        if count == 0:
            remarks.append(NO_PICKS)
        elif spread and abs(count - middle) > ODD * spread:
            remarks.append(FEW_PICKS if count < middle else MANY_PICKS)
        if remarks:
            found[name] = remarks
    return found


def trend(values: Values, along: Values) -> float:
    """Spearman's rank correlation of values with others; NaN where it is not defined."""
    known = ~(np.isnan(values) | np.isnan(along))
    if known.sum() < 3 or np.ptp(values[known]) == 0 or np.ptp(along[known]) == 0:
        return float("nan")
    ranks = np.corrcoef(rankdata(values[known]), rankdata(along[known]))
    return float(ranks[0, 1])
