# SPDX-License-Identifier: GPL-3.0-or-later
"""All centre finders on the same labelled images, in a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryosegment.core.tuning.pick_search import (
    Choice,
    MappedImage,
    PickTrial,
    average_precision,
    choose,
    try_selection,
)
from cryosegment.exchange.params import SelectionParams
from cryosegment.exchange.parts import CENTER_FINDERS, SAM

TITLES = ("finder", "precision", "recall", "F1", "AP", "threshold")


def best_of_finders(
    trials: Sequence[PickTrial], images: Sequence[MappedImage], score: str
) -> Iterator[Choice]:
    """The best trial of each centre finder on all images.

    Parameters
    ----------
    trials
        Trials of a search; finders that have none are tried with their defaults.
    images
        Labelled images; SAM is asked where they have its checkpoint.
    score
        Score that is maximised.
    """
    for name in CENTER_FINDERS:
        own = [trial for trial in trials if trial.settings.centers == name]
        if not own and (name != SAM or images[0].sam):
            own = [try_selection(images, SelectionParams(name))]
        if own:
            yield choose(own, range(len(images)), score)


def finder_table(choices: Sequence[Choice]) -> Iterator[str]:
    """The figures of each choice in a line, under a line of titles; nothing of no choice."""
    if choices:
        yield _line(TITLES)
    for choice in choices:
        total, level = choice.trial.total(), choice.level
        hits, picks = int(total.hits[level]), int(total.picks[level])
        numbers = (hits / max(picks, 1), hits / max(total.labelled, 1), total.f1()[level])
        figures = (*numbers, average_precision(total), choice.threshold)
        yield _line((choice.trial.settings.centers, *(f"{value:.3f}" for value in figures)))


def _line(cells: Sequence[str]) -> str:
    first, *others = cells
    return f"{first:14}" + "".join(f"{cell:>11}" for cell in others)
