# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of picks that are surveyed, with what a picking run says of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from cryosegment.exchange.coordinates import Coordinates, read_tolerantly
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.job import Job, read_job
from cryosegment.exchange.micrograph_lists import read_list
from cryosegment.exchange.params import PickParams, ReportParams
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, PickFolder
from cryosegment.exchange.pick_summary import MicrographSummary
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.shards import shard_folders

HEADER = 1.0
"""Å/px where a run takes it from the headers, and has not read one yet: nothing depends on it."""
RATES = ("threshold", "picks", "decoys", "rate")
Curve = Float[np.ndarray, " thresholds"]


@dataclass(frozen=True)
class PickedSet:
    """Picks of one picker.

    Parameters
    ----------
    label
        What the page calls them.
    picks
        By micrograph.
    failures
        Why files hold none, by micrograph.
    summaries
        What `pick` says of its micrographs, by name; empty for picks of others.
    times
        When it was done with each, in seconds since 1970; empty for picks of others.
    false_discoveries
        Thresholds, and the share of picks above each that decoys say to be false; None where no
        decoys were picked.
    """

    label: str
    picks: Mapping[str, Coordinates]
    failures: Mapping[str, str]
    summaries: Mapping[str, MicrographSummary] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    false_discoveries: tuple[Curve, Curve] | None = None


@dataclass(frozen=True)
class Scale:
    """What is known of micrographs beside their picks.

    Parameters
    ----------
    diameter
        Of the particle, Å.
    pixel_size
        Å/px of the micrographs of sets that do not say it themselves.
    micrographs
        File of each micrograph by name, in the order of the acquisition, where it is known.
    ctf
        File with their CTFs; empty for none.
    """

    diameter: float
    pixel_size: float
    micrographs: Mapping[str, Path]
    ctf: str


def run_of(path: Path) -> Job | None:
    """The picking run that fills a folder; None for picks of others."""
    results = [PickFolder(folder) for folder in (path, *shard_folders(path))]
    files = [file for each in results for file in (each.picking, each.job) if file.is_file()]
    job = read_job(files[0]) if files else None
    return job if job is not None and job.command == "pick" else None


def known_scale(paths: Sequence[Path], params: ReportParams) -> Scale:
    """What the parameters say, or else the first of the folders that `pick` has made.

    Raises
    ------
    ParameterError
        If nobody says the diameter or the pixel size.
    InputError
        If a folder of `pick` cannot be read.
    """
    runs = [(path, job) for path in paths for job in [run_of(path)] if job is not None]
    diameter, pixel_size, ctf = params.diameter, params.pixel_size, params.ctf
    files: dict[str, Path] = {}
    if runs:
        path, job = runs[0]
        own = record_from_dict(PickParams, job.params)
        diameter, ctf = diameter or own.diameter, ctf or own.ctf
        sizes = [each.pixel_size for each in PickFolder(path).summaries().values()]
        pixel_size = pixel_size or (sizes[0] if sizes else own.pixel_size or HEADER)
        files = dict(zip(job.names, map(Path, job.inputs), strict=True))
    for value, what in ((diameter, "--diameter"), (pixel_size, "--pixel-size")):
        if value is None:
            raise ParameterError(
                f"expected {what}, as none of the picks is a folder made by `cryosegment pick`, "
                "which would say it"
            )
    assert diameter is not None
    assert pixel_size is not None
    return Scale(diameter, pixel_size, files, ctf)


def read_sets(paths: Sequence[Path], labels: Sequence[str], pixel_size: float) -> list[PickedSet]:
    """The sets.

    Parameters
    ----------
    paths
        File or folder of each.
    labels
        What the page calls each.
    pixel_size
        Of the micrographs of those that were not made by `pick`, Å/px.

    Raises
    ------
    InputError
        If there is no file, or nothing in it can be read.
    """
    return [
        _read_run(path, label) if run_of(path) else _read_other(path, label, pixel_size)
        for path, label in zip(paths, labels, strict=True)
    ]


def _read_other(path: Path, label: str, pixel_size: float) -> PickedSet:
    picks, failures = read_tolerantly(path, pixel_size)
    return PickedSet(label, picks, {name: str(error) for name, error in failures.items()})


def _read_run(path: Path, label: str) -> PickedSet:
    """What a picking run has left so far, its workers and shards, too: it may go on."""
    picks: dict[str, Coordinates] = {}
    times: dict[str, float] = {}
    failures: dict[str, str] = {}
    summaries: dict[str, MicrographSummary] = {}
    for results in map(PickFolder, (path, *shard_folders(path))):
        own = results.summaries()
        summaries.update(own)
        for name in filter(results.is_picked, own):
            try:
                picks[name] = results.read(COORDINATES, name, own[name].pixel_size)
            except InputError as error:
                failures[name] = str(error)
                continue
            candidates = results.file(CANDIDATES, name)
            if candidates.is_file():  # written once, when the micrograph was picked
                times[name] = candidates.stat().st_mtime
    rates = read_list(PickFolder(path).false_discovery, RATES)
    curves = np.array([[float(row[key]) for key in RATES] for row in rates.values()])
    shown = (curves[:, 0], curves[:, 3]) if len(curves) else None
    return PickedSet(label, picks, failures, summaries, times, shown)
