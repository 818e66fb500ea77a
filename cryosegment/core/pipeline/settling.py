# SPDX-License-Identifier: GPL-3.0-or-later
"""Choice of one threshold for all micrographs of a run, from all their candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.files import (
    Segmentation,
    write_chosen,
    write_overlay,
)
from cryosegment.core.pipeline.micrograph import read_working_image
from cryosegment.exchange.coordinates import (
    EVERYTHING,
    JOINT,
    Coordinates,
    Picked,
    write_coordinates_star,
)
from cryosegment.exchange.ctf import CtfEstimate, read_ctfs
from cryosegment.exchange.files import remove_file
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import (
    CANDIDATES,
    COORDINATES,
    INSTANCES,
    SEGMENTATIONS,
    PickFolder,
)
from cryosegment.exchange.pick_summary import MicrographSummary, write_summaries
from cryosegment.exchange.settings import PickSettings, pick_settings
from cryosegment.exchange.thresholds import Expected, expected


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
    """

    threshold: float
    summaries: Sequence[MicrographSummary]
    expected: Expected | None = None

    @property
    def picks(self) -> int:
        """Number of picks on all micrographs."""
        return sum(row.picks for row in self.summaries)

    def __str__(self) -> str:
        text = f"threshold {self.threshold:.3f}"
        if self.expected is None:
            return text
        precision, recall = self.expected.precision, self.expected.recall
        return (
            f"{text}, from the candidates of all micrographs: about {precision:.0%} of the picks "
            f"should be particles, and {recall:.0%} of the particles found"
        )


def settle(
    micrographs: Sequence[tuple[str, Path]], model: Model, params: PickParams, folder: Path
) -> Settled:
    """Choose the threshold of a run, and update the files of all its micrographs.

    `coordinates.star` gets the picks of all finished micrographs, of this run and earlier ones,
    and `micrographs.csv` their summaries; formats that want one file for all get theirs.

    Parameters
    ----------
    micrographs
        Name and file of each; those that are not finished are left out.
    model
        Model whose card calibrates the scores.
    params
        How they were picked.
    folder
        Output folder.

    Raises
    ------
    InputError
        If a file of an earlier run is missing or cannot be read, or one cannot be written.
    """
    results = PickFolder(folder)
    summaries = results.summaries()
    finished = [m for m in micrographs if m[0] in summaries and results.is_picked(m[0])]
    run = _Run(results, params, pick_settings(params, model.card), summaries)
    scores = run.scores([name for name, _ in finished])
    threshold = run.settings.threshold_for(scores)
    ctfs = read_ctfs(params.ctf if params.overlays else "")
    pairs = []
    for name, path in finished:
        chosen = run.read(COORDINATES, name)
        if run.settings.threshold is None:
            chosen = run.bring_in_line(name, chosen, threshold, path, ctfs.of(name))
        pairs.append((path, chosen))
    rows = [_updated(summaries[chosen.name], chosen) for _, chosen in pairs]
    write_summaries(folder, rows)
    write_coordinates_star(folder / EVERYTHING, pairs)
    for kind, joint in JOINT.items():
        if kind in params.formats:
            joint.write(folder / joint.file, [run.picked(*pair) for pair in pairs])
        else:
            remove_file(folder / joint.file)
    is_known = run.settings.threshold is None and run.settings.calibration is not None
    known = expected(scores, threshold) if is_known else None
    return Settled(threshold, rows, known)


@dataclass(frozen=True)
class _Run:
    """A run after all its micrographs were picked."""

    folder: PickFolder
    params: PickParams
    settings: PickSettings
    summaries: Mapping[str, MicrographSummary]

    def read(self, kind: str, name: str) -> Coordinates:
        return self.folder.read(kind, name, self.summaries[name].pixel_size)

    def picked(self, path: Path, chosen: Coordinates) -> Picked:
        """The picks of the micrograph at `path`, for a file that holds or lists those of all."""
        shape = self.summaries[chosen.name].shape
        return Picked(chosen, path, shape, self.folder.file(COORDINATES, chosen.name))

    def scores(self, names: Sequence[str]) -> np.ndarray:
        """Scores of all candidates of the right size, if the threshold depends on them."""
        found = [np.empty(0)]
        for name in names if self.settings.threshold is None else ():
            candidates = self.read(CANDIDATES, name)
            found.append(candidates.scores[self.settings.has_size(candidates)])
        return np.concatenate(found)

    def bring_in_line(
        self,
        name: str,
        before: Coordinates,
        threshold: float,
        path: Path,
        ctf: CtfEstimate | None,
    ) -> Coordinates:
        """The picks of a micrograph at a threshold; its files are rewritten if these differ."""
        candidates = self.read(CANDIDATES, name)
        is_chosen = self.settings.chosen(candidates, threshold)
        chosen, params = candidates.select(is_chosen), self.params
        differs = len(chosen) != len(before)  # both are the best of the same candidates
        if params.masks and (differs or not self.folder.file(INSTANCES, name).exists()):
            segmentation = Segmentation.read(self.folder.file(SEGMENTATIONS, name))
            segmentation.write_instances(self.folder, name, is_chosen)
        if not differs:
            return before
        if params.overlays:
            working = read_working_image(path, name, self.settings, ctf)
            write_overlay(self.folder, working, chosen, params)
        write_chosen(self.folder, chosen, params)
        return chosen


def _updated(summary: MicrographSummary, chosen: Coordinates) -> MicrographSummary:
    """The figures of a micrograph with its final picks."""
    mean = float(chosen.scores.mean()) if len(chosen) else float("nan")
    return replace(summary, picks=len(chosen), mean_score=mean)
