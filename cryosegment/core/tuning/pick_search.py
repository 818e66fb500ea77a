# SPDX-License-Identifier: GPL-3.0-or-later
"""Grid search for the best picking parameters on labelled images, with cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Float

from cryosegment.core.evaluation import curves
from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.picking import (
    Candidates,
    ParticleMaps,
    find_instances,
    find_particles,
    instance_diameters,
    without_contaminated,
)
from cryosegment.core.tuning.thresholds import (
    NO_COUNTS,
    THRESHOLDS,
    Counts,
    compare,
    middle_of_plateau,
)
from cryosegment.core.tuning.trials import Trial, Tuning, cross_validate
from cryosegment.exchange.params import AVERAGE_PRECISION, SelectionParams
from cryosegment.exchange.parts import CENTER_FINDERS
from cryosegment.exchange.progress import Progress

MIN_DISTANCES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SMALLEST = (0.0, 0.3, 0.45, 0.6, 0.75)
LARGEST = (0.0, 1.1, 1.3, 1.6)
"""Values to try, in particle diameters; 0 is no limit."""


@dataclass(frozen=True)
class MappedImage:
    """Maps of a network for a labelled image.

    Parameters
    ----------
    maps
        Maps after the CRF.
    labelled
        The image; its labels are unknown where there must be no picks.
    edge
        Smallest distance of a pick from the border, px.
    sam
        Folder of the checkpoint for centres by SAM.
    """

    maps: ParticleMaps
    labelled: LabelledImage
    edge: float
    sam: str = ""

    def find(self, selection: SelectionParams, floor: float) -> Candidates:
        """Candidates down to a score."""
        diameter = self.labelled.diameter
        found = find_particles(self.maps, diameter, selection, floor, self.edge, self.sam)
        return without_contaminated(found, self.maps, diameter)


PickTrial = Trial[SelectionParams, Counts]
"""Picking parameters, and their counts on each image at each of `THRESHOLDS`."""


@dataclass(frozen=True)
class Choice:
    """A trial, and the index of its threshold in `THRESHOLDS`."""

    trial: PickTrial
    level: int

    @property
    def threshold(self) -> float:
        """The threshold."""
        return round(float(THRESHOLDS[self.level]), 4)

    def figures(self) -> Figures:
        """Figures on all images."""
        total = self.trial.total()
        return Figures(float(total.f1()[self.level]), average_precision(total))


@dataclass(frozen=True)
class Figures:
    """F1, and average precision over all thresholds."""

    f1: float
    average_precision: float

    def score(self, name: str) -> float:
        """The one of that name."""
        return self.average_precision if name == AVERAGE_PRECISION else self.f1


@dataclass(frozen=True)
class PickTuning(Tuning[Choice]):
    """Result of a search of picking parameters.

    Parameters
    ----------
    held_out
        Figures of the cross-validation: each image picked as was best on those of other folds.
    """

    held_out: Figures


def average_precision(counts: Counts) -> float:
    """Mean precision over the recall, from threshold to threshold; 0 without labels."""
    found, picked = (values[::-1].astype(float) for values in (counts.hits, counts.picks))
    return float(curves.average_precision(found, picked, max(counts.labelled, 1)))


def try_selections(
    images: Sequence[MappedImage],
    usual: SelectionParams,
    centers: Sequence[str],
    progress: Progress,
) -> list[PickTrial]:
    """Trials of the recommended selection and of every one of the grid.

    Parameters
    ----------
    images
        At least one.
    usual
        Recommended selection, which is the first trial.
    centers
        Centre finders of the grid.
    progress
        Called after each finder and distance.
    """
    finders = [(name, scale) for name in centers for scale in CENTER_FINDERS[name].scales]
    places = [
        SelectionParams(name, scale, distance)
        for (name, scale), distance in product(finders, MIN_DISTANCES)
    ]
    grid = [
        [replace(place, smallest=low, largest=high) for low, high in product(SMALLEST, LARGEST)]
        for place in places
    ]
    rows, trials = [[usual], *grid], list[PickTrial]()
    for number, row in enumerate(rows, start=1):
        counts = zip(*(_count(image, row) for image in images), strict=True)
        trials += [Trial(one, each) for one, each in zip(row, counts, strict=True)]
        progress(number, len(rows), f"{row[0].centers}, distance {row[0].min_distance:g}")
    return trials


def try_selection(images: Sequence[MappedImage], selection: SelectionParams) -> PickTrial:
    """Trial of one selection."""
    return Trial(selection, [_count(image, [selection])[0] for image in images])


def _count(image: MappedImage, selections: Sequence[SelectionParams]) -> list[Counts]:
    """Counts of an image for selections that differ in the sizes alone."""
    diameter = image.labelled.diameter
    found = image.find(selections[0], THRESHOLDS[0])
    labels = find_instances(image.maps.particle, found.centers_yx, diameter)
    sizes = instance_diameters(labels, len(found)).cpu().numpy() / diameter
    counts = []
    for selection in selections:
        kept = selection.has_size(sizes)
        some = Candidates(found.centers_yx[kept], found.scores[kept])
        counts.append(compare(some, image.labelled))
    return counts


def judge(trials: Sequence[PickTrial], threshold: float, score: str, folds: int) -> PickTuning:
    """The best trial, and its figures in a cross-validation.

    Parameters
    ----------
    trials
        The first is the recommended selection.
    threshold
        Recommended threshold.
    score
        Score that is maximised.
    folds
        Number of folds; no more than images are used.
    """
    count = len(trials[0].results)
    held_out = NO_COUNTS
    at_level = np.zeros(3)
    for choice, held in cross_validate(count, folds, lambda some: choose(trials, some, score)):
        total = choice.trial.total(held)
        held_out = held_out + total
        level = choice.level
        at_level += (total.hits[level], total.picks[level], total.labelled)
    f1 = 2 * at_level[0] / max(at_level[1] + at_level[2], 1)
    figures = Figures(float(f1), average_precision(held_out))
    before = Choice(trials[0], int(np.abs(THRESHOLDS - threshold).argmin()))
    return PickTuning(
        trials=trials,
        before=before,
        best=choose(trials, range(count), score),
        gain=figures.score(score) - before.figures().score(score),
        held_out=figures,
    )


def choose(trials: Sequence[PickTrial], images: Sequence[int], score: str) -> Choice:
    """The best trial on some images, at the middle of the thresholds with nearly the best F1."""
    totals = [trial.total(images) for trial in trials]
    values = [_value(total, score) for total in totals]
    best = int(np.argmax(values))
    threshold = middle_of_plateau(totals[best].f1())
    return Choice(trials[best], int(np.abs(THRESHOLDS - threshold).argmin()))


def _value(total: Counts, score: str) -> float:
    return average_precision(total) if score == AVERAGE_PRECISION else float(total.f1().max())


def f1_by_distance(
    trials: Sequence[PickTrial], like: SelectionParams
) -> tuple[Float[np.ndarray, " distances"], Float[np.ndarray, "distances thresholds"]]:
    """F1 on all images of trials that differ only in the smallest distance.

    Parameters
    ----------
    trials
        Trials of a search.
    like
        Selection with the other parameters.
    """
    rows = [t for t in trials[1:] if replace(t.settings, min_distance=like.min_distance) == like]
    totals = [trial.total() for trial in rows]
    distances = np.array([trial.settings.min_distance for trial in rows])
    return distances, np.array([total.f1() for total in totals])
