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
from cryosegment.exchange.pick_summary import append_summary, odd_micrographs
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.settings import PickSettings, pick_settings
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
    of its own candidates; when all are known, the picks of all are updated.

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
    settings = pick_settings(params, model.card)
    results = PickFolder(folder)
    known = results.summaries() if params.resume else {}
    finished = Finished(folder, params, params.resume)
    waiting = [
        (name, path)
        for name, path in micrographs
        if not (name in known and results.is_picked(name) and finished.has(name, path))
    ]
    masks = None
    if params.exclude:
        masks = ContaminationMaps(Path(params.exclude), [name for name, _ in micrographs])
    failures: dict[str, str] = {}
    done, told = len(micrographs) - len(waiting), set[str]()
    sizes: list[float] = []
    for (name, path), working in zip(
        waiting, _read_ahead(waiting, settings, params.ctf, masks), strict=True
    ):
        done += 1
        try:
            with in_one_line(f"micrograph {name}"):
                image = working.result()
                sizes.append(image.micrograph_pixel_size)
                _tell(name, image.notes, told)
                picks = pick(name, image, segment(image, model, settings.crf), settings)
                with finished.making(name, path):
                    summary = summarise(picks, settings)
                    append_summary(folder, summary)
                    write_picks(results, name, picks, params, settings.threshold is not None)
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
        results.remove(name, SUFFIXES)
    redraw = redrawing(model.card, params, folder)
    settled = settle(good, model.card, params, folder, redraw)
    notes = [str(settled), *odd_micrographs(settled.summaries)]
    notes += [masks.note] if masks is not None and masks.note else []
    if params.decoys:
        found = measure_false_discoveries(good, model, params, folder)
        notes.append(found.describe(settled.threshold))
    found_sizes = (min(sizes), max(sizes)) if sizes else ()
    return PickedMicrographs(settled.picks, failures, found_sizes, notes)


def _tell(name: str, notes: Iterable[str], told: set[str]) -> None:
    """Log the warnings about a micrograph, each kind once."""
    for note in notes:
        if note not in told:
            told.add(note)
            logger.warning("%s: %s", name, note)


def _read_ahead(
    micrographs: Sequence[tuple[str, Path]],
    settings: PickSettings,
    ctf: str,
    masks: ContaminationMaps | None,
) -> Iterator[Future[WorkingImage]]:
    """Each micrograph in turn, while the next one is being read in a thread."""
    ctfs = read_ctfs(ctf)

    def read(name: str, path: Path) -> WorkingImage:
        working = read_working_image(path, name, settings, ctfs.of(name))
        height, width = working.image.shape
        area = masks.area(name, (height, width)) if masks is not None else None
        return working if area is None else working.without(torch.from_numpy(area))

    with ThreadPoolExecutor(max_workers=1) as reader:
        ahead: Future[WorkingImage] | None = None
        for index, (name, path) in enumerate(micrographs):
            current = ahead or reader.submit(read, name, path)
            ahead = None
            if index + 1 < len(micrographs):
                ahead = reader.submit(read, *micrographs[index + 1])
            yield current
