# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks of a picking run that are selected anew from its candidates, on all micrographs at once."""

from __future__ import annotations

import shlex
import time
from dataclasses import fields, replace
from typing import Dict, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.params import PickParams, RepickParams, option_name
from cryosegment.exchange.pick_folder import CANDIDATES
from cryosegment.exchange.records import in_words
from cryosegment.exchange.repicking import are_eligible, open_repicking
from cryosegment.exchange.settings import pick_settings
from cryosegment.window.content import nearest
from cryosegment.window.edits import Edit, Edits, with_places

DECIMALS = 3
"""Of a threshold that is chosen by eye."""
AS_RUN = RepickParams()
"""Parameters that select what the run has picked."""
REACH = 0.5
"""Diameters from a pick within which a click means it."""


class _Counted(NamedTuple):
    """Candidates of a micrograph.

    Parameters
    ----------
    candidates
        All of them.
    are_eligible
        Mask of those that are picks if their score is high enough, (n,).
    scores
        Scores of these, rising.
    """

    candidates: Coordinates
    are_eligible: np.ndarray
    scores: np.ndarray


class PickSelection:
    """The picks that `repick` would select, counted as its parameters change.

    Candidates are read a few at a time, by `proceed`: until then the picks are counted from the
    figures of the run.

    Parameters
    ----------
    folder
        Of the picking run.
    params
        Parameters to begin with.
    files
        Image file of each micrograph, by name; by default those of the run. Micrographs that it
        does not name are left out.

    Attributes
    ----------
    folder
        Of the run.
    files
        Image file of each micrograph, by name.
    summaries
        Figures of each, by name.
    edits
        What was added and removed by hand.
    params
        The parameters of now.

    Raises
    ------
    InputError, ModelError
        If it is no picking run, or the model has no card.
    """

    def __init__(
        self,
        folder: PathLike,
        params: Optional[RepickParams] = None,
        files: Optional[Mapping[str, str]] = None,
    ) -> None:
        self._run = open_repicking(folder, folder, AS_RUN)
        self.folder = self._run.source
        self.before = pick_settings(self._run.before, self._run.card)
        own = {name: str(path) for name, path in self._run.micrographs.items()}
        self.files = own if files is None else {n: files[n] for n in own if n in files}
        self.summaries, self.edits = self._run.summaries, Edits()
        self._counted: Dict[str, _Counted] = {}
        self._waiting = dict.fromkeys(reversed(list(self.files)))
        self.change(params or AS_RUN)

    # --------------------------- parameters -----------------------------------
    def change(self, params: RepickParams) -> None:
        """Select by other parameters.

        Raises
        ------
        InputError
            If candidates were kept at larger distances.
        ParameterError
            If the parameters do not fit together.
        """
        self._run = self._run.changed(params)
        self._waiting = dict.fromkeys(reversed(list(self.files)))
        self.params, self.settings = params, pick_settings(self._run.after, self._run.card)
        self.threshold = self.settings.threshold
        """Lowest score of a pick; None while it waits for the candidates of all micrographs."""

    def limit(self, name: str, value: str) -> None:
        """Select by another distance or size, at the threshold of now; errors as of `change`."""
        threshold, limits = self.threshold, {name: value}
        self.change(replace(self.params, **limits))  # type: ignore[arg-type]
        if threshold is not None:
            self.move(threshold)

    def move(self, threshold: float) -> None:
        """Select by another threshold."""
        text = f"{threshold:.9g}"
        self.params = replace(self.params, threshold=text, precision=None, number=None)
        self.threshold = float(self.params.threshold)

    @property
    def params_of_pick(self) -> PickParams:
        """Parameters of the run of `pick` that would have given these picks."""
        return self.params.changed(self._run.before)

    @property
    def is_as_run(self) -> bool:
        """Whether the selection is that of the run."""
        return self.params == AS_RUN

    def in_words(self) -> str:
        """What the picks are, in a few words."""
        given = {field.name: getattr(self.params, field.name) for field in fields(RepickParams)}
        texts = [
            f"{in_words(name)} {value}"
            for name, value in given.items()
            if value != getattr(AS_RUN, name)
        ]
        by_hand = [f"{len(self.edits)} by hand"] if len(self.edits) else []
        return ", ".join([*(texts or ["as in the run"]), *by_hand])

    @property
    def command(self) -> str:
        """The command line that selects the same picks."""
        words = ["cryosegment", "repick", str(self.folder.path)]
        for field in fields(RepickParams):
            value = getattr(self.params, field.name)
            if value != getattr(AS_RUN, field.name):
                words += [option_name(RepickParams, field.name), str(value)]
        return " ".join(map(shlex.quote, words))

    # --------------------------- candidates -----------------------------------
    @property
    def is_counted(self) -> bool:
        """Whether the candidates of all micrographs are counted."""
        return not self._waiting

    def proceed(self, seconds: float) -> float:
        """Read and count candidates for so long at most; the part that is done, from 0 to 1.

        Raises
        ------
        InputError
            If candidates cannot be read.
        """
        end = time.monotonic() + seconds
        while self._waiting and time.monotonic() < end:
            self._count(next(reversed(self._waiting)))
        if self.threshold is None and self.is_counted:
            self.threshold = self.settings.threshold_for(self.scores())
        return 1 - len(self._waiting) / max(1, len(self.files))

    def candidates(self, name: str) -> Coordinates:
        """All candidates of a micrograph.

        Raises
        ------
        InputError
            If they cannot be read.
        """
        if name in self._counted:
            return self._counted[name].candidates
        return self.folder.read(CANDIDATES, name, self.summaries[name].pixel_size)

    def _count(self, name: str) -> _Counted:
        if name in self._waiting:
            candidates, shape = self.candidates(name), self.summaries[name].shape
            eligible = are_eligible(candidates, self.settings, self.before, shape)
            scores = np.sort(candidates.scores[eligible])
            self._counted[name] = _Counted(candidates, eligible, scores)
            del self._waiting[name]
        return self._counted[name]

    def scores(self) -> np.ndarray:
        """Scores of all candidates that are read and may be picks, (n,)."""
        return np.concatenate([np.empty(0), *(each.scores for each in self._counted.values())])

    # --------------------------- picks -----------------------------------------
    def _lowest(self, name: str) -> float:
        """Lowest score of a pick on a micrograph.

        While the threshold waits, as many are picks as the run has picked, which are the best.
        """
        if self.threshold is not None:
            return self.threshold
        scores, picks = self._count(name).scores, self.summaries[name].picks
        return float(scores[-picks]) if 0 < picks <= len(scores) else np.inf

    def chosen(self, name: str) -> np.ndarray:
        """Mask of the candidates of a micrograph that are picks, (n,)."""
        own = self._count(name)
        chosen = own.are_eligible & (own.candidates.scores >= self._lowest(name))
        return self.edits.chosen(name, chosen)

    def shown(self, name: str) -> Coordinates:
        """Picks of a micrograph, those without a candidate last; isolations are not their own."""
        chosen = self.candidates(name).select(self.chosen(name))
        return with_places(chosen, self.edits.places(name))

    def picks(self, name: str) -> Coordinates:
        """Picks of a micrograph, those without a candidate last, with their isolations."""
        return self.shown(name).with_isolations()

    def figures(self, name: str) -> Tuple[Optional[int], Optional[float]]:
        """Number of picks of a micrograph and their mean score; None while these wait."""
        if name in self.edits.names:
            scores = self.candidates(name).scores[self.chosen(name)]
            return len(scores) + len(self.edits.places(name)), _mean(scores)
        if self.is_as_run:
            summary = self.summaries[name]
            return summary.picks, summary.mean_score
        if name in self._waiting or self.threshold is None:
            return None, None
        scores = self._counted[name].scores
        above = scores[np.searchsorted(scores, self.threshold) :]
        return len(above), _mean(above)

    def total(self) -> Optional[int]:
        """Number of picks on all micrographs; None while some wait."""
        counts = [self.figures(name)[0] for name in self.files]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    # --------------------------- by hand ---------------------------------------
    def click(self, name: str, center_yx: Tuple[float, float]) -> Edit:
        """Remove the pick at a place, or add one: a candidate, where one is near."""
        rows, places = np.flatnonzero(self.chosen(name)), self.edits.places(name)
        candidates = self.candidates(name)
        reach = REACH * self.before.diameter / candidates.pixel_size
        pick = nearest(self.shown(name).centers_yx, center_yx, reach)
        candidate = nearest(candidates.centers_yx, center_yx, reach / 2)
        if pick is not None and pick < len(rows):
            edit = Edit(name, False, int(rows[pick]))
        elif pick is not None:
            y, x = places[pick - len(rows)]
            edit = Edit(name, False, None, (float(y), float(x)))
        elif candidate is not None:
            edit = Edit(name, True, candidate)
        else:
            edit = Edit(name, True, None, center_yx)
        self.edits.add(edit)
        return edit


def _mean(scores: np.ndarray) -> float:
    return float(scores.mean()) if len(scores) else np.nan
