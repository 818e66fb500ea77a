# SPDX-License-Identifier: GPL-3.0-or-later
"""Choice of one threshold for all micrographs of a run, from all their candidates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Dict, Optional, Sequence, Tuple

import numpy as np

from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.coordinates import Coordinates, Picked
from cryosegment.exchange.mixture import probabilities_in_data_set
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import (
    CANDIDATES,
    COORDINATES,
    INSTANCES,
    PickFolder,
)
from cryosegment.exchange.pick_summary import MicrographSummary, write_summaries
from cryosegment.exchange.settings import PickSettings, pick_settings
from cryosegment.exchange.size_classes import SizeClass, write_size_classes
from cryosegment.exchange.thresholds import Expected, expected

Redraw = Callable[[Path, Coordinates, np.ndarray, bool], None]
"""Called with the file of a micrograph, its candidates, the mask of those that are picks, (n,), and
whether these differ from what its files show."""


@dataclass(frozen=True)
class Settled:
    """Result of a run: its threshold and the figures of its micrographs.

    Parameters
    ----------
    threshold
        Lowest score of a pick.
    summaries
        Figures of all micrographs.
    expected
        Expected precision and recall, from the probabilities; None if the threshold does not
        depend on them.
    classes
        Those that the picks were parted into by size.
    """

    threshold: float
    summaries: Sequence[MicrographSummary]
    expected: Optional[Expected] = None
    classes: Sequence[SizeClass] = ()

    @property
    def picks(self) -> int:
        """Number of picks on all micrographs."""
        return sum(row.picks for row in self.summaries)

    def __str__(self) -> str:
        text = f"threshold {self.threshold:.3f}"
        if self.expected is not None:
            precision, recall = self.expected.precision, self.expected.recall
            text += (
                f", from the candidates of all micrographs: about {precision:.0%} of the picks "
                f"should be particles, and {recall:.0%} of the particles found"
            )
        return "\n".join([text, *map(str, self.classes)])


def settle(
    micrographs: Sequence[Tuple[str, Path]],
    card: ModelCard,
    params: PickParams,
    folder: Path,
    redraw: Optional[Redraw] = None,
) -> Settled:
    """Choose the threshold of a run, and update the files of all its micrographs.

    Those without coordinates get them. `coordinates.star` gets the picks of all finished
    micrographs, of this run and earlier ones, and `micrographs.csv` their summaries; formats that
    want one file for all get theirs, and so do size classes.

    Parameters
    ----------
    micrographs
        Name and file of each; those without candidates are left out.
    card
        Card of the model, which calibrates the scores.
    params
        How they were picked.
    folder
        Output folder.
    redraw
        Brings in line what else shows the picks; by default nothing does.

    Raises
    ------
    InputError
        If a file of an earlier run is missing or cannot be read, or one cannot be written.
    """
    results = PickFolder(folder)
    summaries, settings = results.summaries(), pick_settings(params, card)
    with_candidates = set(results.names(CANDIDATES))
    finished = [m for m in micrographs if m[0] in summaries and m[0] in with_candidates]
    run = _Run(results, params, settings, summaries, redraw)
    known = run.scores([name for name, _ in finished])
    scores = np.concatenate([np.empty(0), *known.values()])
    follows_candidates = settings.threshold is None and settings.calibration is not None
    probabilities = probabilities_in_data_set(scores) if follows_candidates else None
    threshold = settings.threshold_for(scores, probabilities)
    pairs = [(path, run.picks(name, path, threshold, known.get(name))) for name, path in finished]
    rows = [_updated(summaries[chosen.name], chosen) for _, chosen in pairs]
    write_summaries(folder, rows)
    results.write_joint([run.picked(*pair) for pair in pairs], params)
    classes = write_size_classes(results, params.size_classes, pairs)
    hoped = None if probabilities is None else expected(scores, probabilities, threshold)
    return Settled(threshold, rows, hoped, classes)


@dataclass(frozen=True)
class _Run:
    """A run after all its micrographs were picked."""

    folder: PickFolder
    params: PickParams
    settings: PickSettings
    summaries: Dict[str, MicrographSummary]
    redraw: Optional[Redraw]

    def read(self, kind: str, name: str) -> Coordinates:
        return self.folder.read(kind, name, self.summaries[name].pixel_size)

    def is_drawn(self, name: str) -> bool:
        """Whether a micrograph whose picks stay as they are has all that shows them."""
        is_wanted = self.redraw is not None and self.params.masks
        return not is_wanted or self.folder.file(INSTANCES, name).exists()

    def picked(self, path: Path, chosen: Coordinates) -> Picked:
        """The picks of the micrograph at `path`, for a file that holds or lists those of all."""
        shape = self.summaries[chosen.name].shape
        return Picked(chosen, path, shape, self.folder.file(COORDINATES, chosen.name))

    def scores(self, names: Sequence[str]) -> Dict[str, np.ndarray]:
        """Scores of the eligible candidates by micrograph, if the threshold depends on them."""
        found = {}
        for name in names if self.settings.threshold is None else ():
            candidates = self.read(CANDIDATES, name)
            found[name] = candidates.scores[self.settings.is_eligible(candidates)]
        return found

    def picks(
        self, name: str, path: Path, threshold: float, scores: Optional[np.ndarray]
    ) -> Coordinates:
        """The picks of a micrograph at a threshold; its files are rewritten if these differ.

        Without `scores` of the eligible candidates, the threshold was known when it was picked.
        """
        before = self.read(COORDINATES, name) if self.folder.is_picked(name) else None
        if before is not None:
            is_same = scores is None or np.count_nonzero(scores >= threshold) == len(before)
            if is_same and (scores is None or self.is_drawn(name)):
                return before
        candidates = self.read(CANDIDATES, name)
        is_chosen = self.settings.chosen(candidates, threshold)
        chosen = candidates.select(is_chosen).with_isolations()
        # both are the best of the same candidates
        differs = before is None or len(chosen) != len(before)
        if self.redraw is not None:
            self.redraw(path, candidates, is_chosen, differs)
        if differs:
            self.folder.write(chosen, self.params)
        return chosen if before is None or differs else before


def _updated(summary: MicrographSummary, chosen: Coordinates) -> MicrographSummary:
    """The figures of a micrograph with its final picks."""
    mean = float(chosen.scores.mean()) if len(chosen) else float("nan")
    return replace(summary, picks=len(chosen), mean_score=mean)
