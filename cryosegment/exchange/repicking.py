# SPDX-License-Identifier: GPL-3.0-or-later
"""Other picks from the candidates of a picking run: no network, no micrographs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np

from cryosegment.exchange.card import ModelCard, read_card
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, atomic_path
from cryosegment.exchange.job import Job, read_job
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import KEPT, PickParams, RepickParams, free_to_change
from cryosegment.exchange.params.repicking import LIMITS, WISHES
from cryosegment.exchange.pick_folder import CANDIDATES, SUFFIXES, PickFolder
from cryosegment.exchange.pick_summary import MicrographSummary, append_summary
from cryosegment.exchange.records import record_from_dict, record_to_dict
from cryosegment.exchange.settings import PickSettings, pick_settings
from cryosegment.exchange.suppression import suppress_neighbors


def picking_job(folder: PathLike) -> Job:
    """The run of `pick` whose results a folder holds, or would hold if it had made them.

    Raises
    ------
    InputError
        If there is none.
    """
    results = PickFolder(folder)
    job = read_job(results.picking if results.picking.exists() else results.job)
    if job.command != "pick":
        raise InputError(
            f"expected the results of `cryosegment pick` in {folder}, found those of "
            f"`cryosegment {job.command}`: give the folder of a picking run"
        )
    return job


@dataclass(frozen=True)
class Repicking:
    """Other picks from the candidates of a picking run.

    Parameters
    ----------
    source, target
        Folder of that run, and of the results.
    job
        That run.
    card
        Card of its model.
    before, after
        Its parameters, and those that would have given the new picks.
    summaries
        Figures of its micrographs, by name.
    """

    source: PickFolder
    target: PickFolder
    job: Job
    card: ModelCard
    before: PickParams
    after: PickParams
    summaries: Dict[str, MicrographSummary]

    @cached_property
    def micrographs(self) -> Dict[str, Path]:
        """File of each micrograph that has candidates, by name."""
        files = dict(zip(self.job.names, self.job.inputs))
        known = set(self.source.names(CANDIDATES))
        names = [name for name in self.summaries if name in known]
        unknown = [name for name in names if name not in files]
        if unknown:
            raise InputError(
                f"the picking run of {self.source.path} names no micrograph {unknown[0]}, of which "
                "it has candidates: pick again"
            )
        return {name: Path(files[name]) for name in names}

    def changed(self, params: RepickParams) -> Repicking:
        """The same run with other parameters of the new picks.

        Raises
        ------
        InputError
            If the candidates stand farther apart, or from the edge, than the new picks may.
        ParameterError
            If the parameters do not fit together.
        """
        after = params.changed(self.before)
        if params.centers == KEPT:
            kept, wanted = (pick_settings(own, self.card) for own in (self.before, after))
            for text in nearer(kept, wanted):
                raise InputError(f"expected {text}: pick again for less, or choose other centers")
        return replace(self, after=after)

    def begin(self) -> None:
        """Leave the run of `pick` that would have given the new picks in their folder."""
        names, files = self.micrographs, map(str, self.micrographs.values())
        params, output = record_to_dict(self.after), str(self.target.path)
        Job("pick", params, tuple(files), output, tuple(names)).write(self.target.picking)

    def take(self, name: str) -> np.ndarray:
        """Take over the candidates of a micrograph that keep the distances; mask of these, (n,).

        Raises
        ------
        InputError
            If they cannot be read or written.
        """
        summary, settings = self.summaries[name], pick_settings(self.after, self.card)
        candidates = self.source.read(CANDIDATES, name, summary.pixel_size)
        kept = apart(candidates, settings, pick_settings(self.before, self.card), summary.shape)
        if kept.all():
            with atomic_path(self.target.file(CANDIDATES, name)) as copy:
                shutil.copyfile(str(self.source.file(CANDIDATES, name)), str(copy))
            self._record(name, summary.expected)
        else:
            self.add(candidates.select(kept))
        return kept

    def add(self, candidates: Coordinates) -> None:
        """Write the candidates of a micrograph, and how many particles are expected of them."""
        settings = pick_settings(self.after, self.card)
        write_coordinates(self.target.file(CANDIDATES, candidates.name), candidates)
        total = float(candidates.scores.sum()) if settings.calibration else float("nan")
        self._record(candidates.name, total)

    def _record(self, name: str, total: float) -> None:
        """List a micrograph, whose other files of an earlier run go."""
        self.target.remove(name, set(SUFFIXES) - {CANDIDATES})
        append_summary(self.target.path, replace(self.summaries[name], expected=total))


def open_repicking(folder: PathLike, output: PathLike, params: RepickParams) -> Repicking:
    """Read what a picking run was, and check that its candidates allow the new picks.

    Parameters
    ----------
    folder
        Of the picking run.
    output
        Folder for the results.
    params
        Which candidates are picks.

    Raises
    ------
    InputError
        If it is no picking run, or its candidates stand farther apart, or from the edge, than the
        new picks may.
    ParameterError, ModelError
        If the parameters do not fit together, or the model has no card.
    """
    source, job = PickFolder(folder), picking_job(folder)
    before = record_from_dict(PickParams, job.params)
    card, target = read_card(model_path(before.model)), PickFolder(output)
    run = Repicking(source, target, job, card, before, before, source.summaries())
    changed = run.changed(params)
    if not run.micrographs:
        raise InputError(f"expected candidates in {folder}, found none: give a picking run")
    return changed


def have_same_candidates(before: PickParams, after: PickParams, card: ModelCard) -> bool:
    """Whether the picks by other parameters are among the candidates of a picking run.

    Parameters
    ----------
    before, after
        Parameters of that run, and of the picks.
    card
        Card of the model of both.
    """
    free = {*WISHES, *LIMITS, *free_to_change(PickParams)}
    fixed, also = (
        {name: value for name, value in record_to_dict(params).items() if name not in free}
        for params in (before, after)
    )
    return fixed == also and not nearer(pick_settings(before, card), pick_settings(after, card))


def nearer(before: PickSettings, after: PickSettings) -> List[str]:
    """Which distances candidates were kept at that are larger than those of new picks."""
    kept = {
        "distance between picks": (before.selection.min_distance, after.selection.min_distance),
        "distance from the edge": (before.edge, after.edge),
    }
    return [
        f"a {name} of at least {was:g} diameters, at which candidates were kept, got {now:g}"
        for name, (was, now) in kept.items()
        if now < was
    ]


def are_eligible(
    candidates: Coordinates, after: PickSettings, before: PickSettings, shape: Sequence[int]
) -> np.ndarray:
    """Mask of the candidates that become picks where their score is high enough, (n,).

    Parameters are as for `apart`.
    """
    return apart(candidates, after, before, shape) & after.is_eligible(candidates)


def apart(
    candidates: Coordinates, after: PickSettings, before: PickSettings, shape: Sequence[int]
) -> np.ndarray:
    """Mask of the candidates that are far enough from the edge and from better ones, (n,).

    Parameters
    ----------
    candidates
        Of one micrograph.
    after, before
        The distances that they shall keep, and those that they keep already.
    shape
        Rows and columns of the micrograph.
    """
    diameter_px, kept = after.diameter / candidates.pixel_size, np.ones(len(candidates), bool)
    if after.edge > before.edge:
        from_first = candidates.centers_yx + 0.5
        room = np.minimum(from_first, np.asarray(shape) - from_first)
        kept &= (room >= after.edge * diameter_px).all(axis=1)
    if after.selection.min_distance > before.selection.min_distance:
        rows = np.flatnonzero(kept)
        distance = after.selection.min_distance * diameter_px
        best = suppress_neighbors(candidates.centers_yx[rows], candidates.scores[rows], distance)
        kept = np.isin(np.arange(len(candidates)), rows[best])
    return kept
