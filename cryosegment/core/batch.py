# SPDX-License-Identifier: GPL-3.0-or-later
"""Many micrographs picked in a row: read ahead, write what is found, go on after a failure."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cryosegment.core.images.micrograph import write_image
from cryosegment.core.images.resample import resample_labels
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.overlay import draw_picks, write_png
from cryosegment.core.pipeline import (
    Model,
    Picks,
    at_micrograph_scale,
    pick,
    read_working_image,
    segment,
)
from cryosegment.exchange.coordinates import (
    Coordinates,
    read_coordinates,
    write_box,
    write_cbox,
    write_coordinates,
    write_coordinates_star,
    write_csv,
)
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.errors import CryoSegmentError, in_one_line
from cryosegment.exchange.files import remove_file
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.progress import Progress

logger = logging.getLogger(__name__)

CONTAMINATED = 0.5
"""Probability above which a pixel is in the contamination mask."""
BOX_FACTOR = 1.5
"""Box size of .box and .cbox files, in particle diameters."""


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
        Lowest and highest of those that were read, Å/px; empty where none was.
    """

    picks: int
    failures: Mapping[str, str]
    pixel_sizes: tuple[float, ...]


def pick_micrographs(
    micrographs: Sequence[tuple[str, Path]],
    model: Model,
    params: PickParams,
    folder: Path,
    progress: Progress,
) -> PickedMicrographs:
    """Pick every micrograph and write its files as soon as they are there.

    Parameters
    ----------
    micrographs
        Name and file of each.
    model
        The network and its card.
    params
        What to find and what to write.
    folder
        Gets `coordinates/`, `candidates/`, `coordinates.star` and what the parameters ask for:
        `instances/` and `contamination_masks/`, `probability/` and `contamination/`, `overlays/`,
        `box/`, `cbox/`, `csv/`.
    progress
        Told after each micrograph.
    """
    failures: dict[str, str] = {}
    waiting = [m for m in micrographs if not (params.resume and is_finished(folder, m[0]))]
    done, told = len(micrographs) - len(waiting), set[str]()
    sizes: list[float] = []
    for name, working in _read_ahead(waiting, model, params):
        done += 1
        try:
            with in_one_line(f"micrograph {name}"):
                image = working.result()
                sizes.append(image.micrograph_pixel_size)
                _tell(name, image.notes, told)
                picks = _picks(name, image, model, params)
                write_picks(folder, name, picks, params)
            text = f"{name}: {len(picks.chosen)} particles"
        except CryoSegmentError as error:
            failures[name] = str(error)
            text = f"{name}: failed, {error}"
        progress(done, len(micrographs), text)
    count = _write_summary(folder, [m for m in micrographs if m[0] not in failures], params)
    return PickedMicrographs(count, failures, (min(sizes), max(sizes)) if sizes else ())


def _tell(name: str, notes: Iterable[str], told: set[str]) -> None:
    """Warn of what is odd about a micrograph, once of each kind."""
    for note in notes:
        if note not in told:
            told.add(note)
            logger.warning("%s: %s", name, note)


def _read_ahead(
    micrographs: Sequence[tuple[str, Path]], model: Model, params: PickParams
) -> Iterator[tuple[str, Future[WorkingImage]]]:
    """Each micrograph while the next one is being read in a thread."""
    ctfs = read_ctfs(params.ctf)

    def read(name: str, path: Path) -> WorkingImage:
        return read_working_image(path, name, params, model.card, ctfs.get(name))

    with ThreadPoolExecutor(max_workers=1) as reader:
        ahead: Future[WorkingImage] | None = None
        for index, (name, path) in enumerate(micrographs):
            current = ahead or reader.submit(read, name, path)
            ahead = None
            if index + 1 < len(micrographs):
                ahead = reader.submit(read, *micrographs[index + 1])
            yield name, current


def _picks(name: str, working: WorkingImage, model: Model, params: PickParams) -> Picks:
    return pick(name, working, segment(working, model, params), model, params)


def coordinates_path(folder: Path, name: str) -> Path:
    """File of the picks of a micrograph."""
    return folder / "coordinates" / f"{name}.star"


def is_finished(folder: Path, name: str) -> bool:
    """Whether a micrograph was picked before; its coordinates are written last."""
    return coordinates_path(folder, name).exists()


def write_picks(folder: Path, name: str, picks: Picks, params: PickParams) -> None:
    """Write all files of a micrograph, its coordinates last."""
    working = picks.working
    write_coordinates(folder / "candidates" / f"{name}.star", picks.candidates)
    if params.masks:
        particle = picks.maps.particle.cpu()
        full = at_micrograph_scale(picks.instances, particle, working).numpy().astype(np.int16)
        size = picks.chosen.pixel_size
        write_image(folder / "instances" / f"{name}.mrc", full, size)
        dirty = (picks.maps.contamination > CONTAMINATED).cpu().numpy()
        dirty = resample_labels(dirty, working.micrograph_shape)
        write_image(folder / "contamination_masks" / f"{name}.mrc", dirty, size)
    if params.maps:
        for kind in ("particle", "contamination"):
            values = getattr(picks.maps, kind).cpu().numpy().astype(np.float16)
            sub = "probability" if kind == "particle" else kind
            write_image(folder / sub / f"{name}.mrc", values, working.pixel_size)
    if params.overlays:
        picture = draw_picks(working, picks.chosen, params.diameter)
        write_png(folder / "overlays" / f"{name}.png", picture)
    _write_formats(folder, picks.chosen, params)
    write_coordinates(coordinates_path(folder, name), picks.chosen)


def _write_formats(folder: Path, chosen: Coordinates, params: PickParams) -> None:
    """Write the picks in further formats, each in a folder of its own that can be read whole."""
    box_size = round(BOX_FACTOR * params.diameter / chosen.pixel_size / 2) * 2
    for kind in params.formats:
        path = folder / kind / f"{chosen.name}.{kind}"
        if kind == "csv":
            write_csv(path, chosen)
        else:
            {"box": write_box, "cbox": write_cbox}[kind](path, chosen, box_size)


def _write_summary(
    folder: Path, micrographs: Sequence[tuple[str, Path]], params: PickParams
) -> int:
    """Write a STAR with the picks of all finished micrographs; how many there are.

    Without any, one that an earlier run has left is removed.
    """
    pairs = []
    for name, path in micrographs:
        if is_finished(folder, name):
            found = read_coordinates(coordinates_path(folder, name), params.pixel_size or 1.0)
            pairs += [(path, coordinates) for coordinates in found.values()]
    path = folder / "coordinates.star"
    if pairs:
        write_coordinates_star(path, pairs)
    else:
        remove_file(path)
    return sum(len(coordinates) for _, coordinates in pairs)
