# SPDX-License-Identifier: GPL-3.0-or-later
"""Picking of many micrographs: the next is read ahead, and failures do not stop the run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from cryosegment.core.images.contamination_maps import ContaminationMaps
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.decoys import measure_false_discoveries
from cryosegment.core.pipeline.doubts import summarise
from cryosegment.core.pipeline.files import write_picks
from cryosegment.core.pipeline.micrograph import pick, read_working_image, segment
from cryosegment.core.pipeline.settling import redrawing
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.errors import CryoSegmentError, in_one_line
from cryosegment.exchange.finished import Finished
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import SUFFIXES, PickFolder
from cryosegment.exchange.pick_summary import (
    MicrographSummary,
    append_summary,
    odd_micrographs,
)
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.settings import pick_settings
from cryosegment.exchange.settling import settle

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PickedMicrographs:
    """What became of some micrographs.

    Parameters
    ----------
    picks
        Number of picks on all that are finished.
    failures
        The message of each micrograph that failed, by name.
    pixel_sizes
        Lowest and highest pixel size of the micrographs, Å/px; empty if none could be read.
    notes
        Remarks on the threshold, on suspicious micrographs and on false discoveries, in lines.
    """

    picks: int
    failures: Mapping[str, str]
    pixel_sizes: tuple[float, ...]
    notes: Sequence[str]


def pick_micrographs(
    micrographs: Sequence[tuple[str, Path]],
    model: Model,
    params: PickParams,
    folder: Path,
    progress: Progress,
) -> PickedMicrographs:
    """Pick micrographs one after the other, and write the files of each at once.

    Where the threshold is chosen from the whole data set, each micrograph first gets the threshold
    of its own candidates; when all are known, the picks of all are updated: at the end of the run,
    or when its shards are merged.

    Parameters
    ----------
    micrographs
        Name and file of each.
    model
        The network and its card.
    params
        How to pick, and what to write.
    folder
        Gets `coordinates/`, `candidates/`, `coordinates.star`, `micrographs.csv` and what the
        parameters ask for: `instances/` and `contamination_masks/`, `probability/` and
        `contamination/`, `overlays/`, a folder or file for each of the `formats`,
        `false_discovery.csv`; and `finished.csv`. Files that an earlier run has left of a
        micrograph go when those of this run are complete; where all fail, everything stays.
    progress
        Told after each micrograph.

    Raises
    ------
    ParameterError, ModelError, InputError
        If the model lacks what is asked for or recommends what is not known, files of earlier
        runs or masks cannot be read, or two masks belong to one micrograph.
    """
    run = _Run(PickFolder(folder), model, params, [name for name, _ in micrographs])
    waiting = run.waiting(micrographs)
    failures: dict[str, str] = {}
    done = len(micrographs) - len(waiting)
    for (name, path), working in zip(waiting, run.read_ahead(waiting), strict=True):
        done += 1
        try:
            with in_one_line(f"micrograph {name}"):
                summary = run.pick(name, path, working.result())
            remarks = f" ({', '.join(summary.remarks)})" if summary.remarks else ""
            text = f"{name}: {summary.picks} particles{remarks}"
        except CryoSegmentError as error:
            failures[name] = str(error)
            text = f"{name}: failed, {error}"
        progress(done, len(micrographs), text)
    good = [m for m in micrographs if m[0] not in failures]
    if not good:
        return PickedMicrographs(0, failures, (), ())
    for name in failures:
        run.results.remove(name, SUFFIXES)
    picks, notes = run.settle(good)
    return PickedMicrographs(picks, failures, run.pixel_sizes, notes)


class _Run:
    """What holds for all micrographs of a run, and what each of them leaves."""

    def __init__(
        self, results: PickFolder, model: Model, params: PickParams, names: Sequence[str]
    ) -> None:
        self.results, self._model, self._params = results, model, params
        self._settings = pick_settings(params, model.card)
        self._known = results.summaries() if params.resume else {}
        self._finished = Finished(results.path, params, params.resume)
        self._masks = ContaminationMaps(Path(params.exclude), names) if params.exclude else None
        self._told, self._sizes = set[str](), list[float]()

    @property
    def pixel_sizes(self) -> tuple[float, ...]:
        """Lowest and highest of the micrographs that were read, Å/px."""
        return (min(self._sizes), max(self._sizes)) if self._sizes else ()

    def waiting(self, micrographs: Sequence[tuple[str, Path]]) -> list[tuple[str, Path]]:
        """The micrographs that an earlier run has not finished."""
        return self._finished.waiting(micrographs, self._known)

    def read_ahead(self, micrographs: Sequence[tuple[str, Path]]) -> Iterator[Future[WorkingImage]]:
        """Each micrograph in turn, while the next one is being read in a thread."""
        ctfs = read_ctfs(self._params.ctf)

        def read(name: str, path: Path) -> WorkingImage:
            working = read_working_image(path, name, self._settings, ctfs.of(name))
            height, width = working.image.shape
            area = self._masks.area(name, (height, width)) if self._masks is not None else None
            return working if area is None else working.without(torch.from_numpy(area))

        with ThreadPoolExecutor(max_workers=1) as reader:
            ahead: Future[WorkingImage] | None = None
            for index, (name, path) in enumerate(micrographs):
                current = ahead or reader.submit(read, name, path)
                ahead = None
                if index + 1 < len(micrographs):
                    ahead = reader.submit(read, *micrographs[index + 1])
                yield current

    def pick(self, name: str, path: Path, image: WorkingImage) -> MicrographSummary:
        """Pick a micrograph and write its files."""
        self._sizes.append(image.micrograph_pixel_size)
        self._tell(name, image.notes)
        maps = segment(image, self._model, self._settings.crf)
        picks = pick(name, image, maps, self._settings)
        with self._finished.making(name, path):
            summary = summarise(picks, self._settings)
            append_summary(self.results.path, summary)
            is_settled = self._settings.threshold is not None
            write_picks(self.results, name, picks, self._params, is_settled)
        return summary

    def settle(self, micrographs: Sequence[tuple[str, Path]]) -> tuple[int, list[str]]:
        """Bring the picks of all micrographs under one threshold: their number, and remarks."""
        card, params, folder = self._model.card, self._params, Path(self.results.path)
        if params.shard:
            counts = self.results.counts()
            note = f"shard {params.shard}: the threshold is settled when all are merged"
            return sum(counts[name] for name, _ in micrographs), [note]
        redraw = redrawing(card, params, folder)
        settled = settle(micrographs, card, params, folder, redraw)
        notes = [str(settled), *odd_micrographs(settled.summaries)]
        notes += [self._masks.note] if self._masks is not None and self._masks.note else []
        if params.decoys:
            found = measure_false_discoveries(micrographs, self._model, params, folder)
            notes.append(found.describe(settled.threshold))
        return settled.picks, notes

    def _tell(self, name: str, notes: Iterable[str]) -> None:
        """Log the warnings about a micrograph, each kind once."""
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                logger.warning("%s: %s", name, note)
