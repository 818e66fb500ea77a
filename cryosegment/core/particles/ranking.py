# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of all images of a list of particles, block by block, with several workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32, Int

from cryosegment.core.particles.blocks import Block, blocks_of
from cryosegment.exchange.errors import CryoSegmentError, in_one_line
from cryosegment.exchange.files import remove_file
from cryosegment.exchange.finished import Finished
from cryosegment.exchange.micrograph_lists import FINISHED_NAME
from cryosegment.exchange.params import RankParams
from cryosegment.exchange.particles import ParticleFile
from cryosegment.exchange.particles.scores import SCORES
from cryosegment.exchange.progress import Progress

SCORES_ARRAY = "scores.npy"
"""The scores so far, a row for each particle, NaN where there are none yet."""

Array = np.memmap[Any, np.dtype[np.float32]]
Scorer = Callable[
    [Float32[np.ndarray, "n h w"], float, Int[np.ndarray, " n"]],
    Mapping[str, npt.NDArray[np.float64]],
]
"""Scores by name of images with a pixel size (Å/px) and their rows in the list."""


@dataclass(frozen=True)
class Ranked:
    """What ranking has found.

    Parameters
    ----------
    scores
        Scores by name, (n,) each; NaN for images that could not be scored.
    failures
        Error of each stack that failed, by its name.
    stacks
        How many stacks there are.
    """

    scores: Mapping[str, Float32[np.ndarray, " n"]]
    failures: Mapping[str, str]
    stacks: int


class Ranking:
    """The scores of a list of particles, in a folder where a run can be resumed.

    Parameters
    ----------
    particles
        The list.
    folder
        Output folder.
    params
        Of the run.
    """

    def __init__(self, particles: ParticleFile, folder: Path, params: RankParams) -> None:
        self._particles = particles
        path, shape = folder / SCORES_ARRAY, (len(particles), len(SCORES))
        earlier = _earlier(path, shape) if params.resume else None
        self._scores = _new(path, shape) if earlier is None else earlier
        self._finished = Finished(folder, params, earlier is not None)
        self._lock = threading.Lock()

    def run(self, scorers: Sequence[Scorer], progress: Progress) -> Ranked:
        """Score what is not yet, each scorer in a thread of its own.

        Parameters
        ----------
        scorers
            One for each worker.
        progress
            Called after every block, in images.
        """
        failures: dict[str, str] = {}
        done, total = 0, len(self._particles)
        blocks = list(blocks_of(self._particles.stacks))
        for block, error in self._scored(blocks, scorers):
            done += len(block.rows)
            if error:
                failures[block.stack] = error
            progress(done, total, block.stack)
        self._scores.flush()
        names = {name: self._scores[:, i] for i, name in enumerate(SCORES)}
        return Ranked(names, failures, len(self._particles.stacks.stacks.names))

    def _scored(
        self, blocks: Sequence[Block], scorers: Sequence[Scorer]
    ) -> Iterator[tuple[Block, str]]:
        """Each block once it is scored, and the error of those that failed."""
        free = list(scorers)

        def score(block: Block) -> str:
            with self._lock:
                scorer = free.pop()
            try:
                return self._score(block, scorer)
            finally:
                free.append(scorer)

        workers = ThreadPoolExecutor(len(scorers))
        try:
            yield from zip(blocks, workers.map(score, blocks), strict=True)
        finally:
            workers.shutdown(cancel_futures=True)

    def _score(self, block: Block, scorer: Scorer) -> str:
        """Score a block; the error, if there is one."""
        listed = self._particles.path
        try:
            with in_one_line(f"stack {block.stack}"):
                file = block.file(listed)
                if self._finished.has(block.name, file):
                    return ""
                found = scorer(block.read(listed), block.pixel_size, block.rows)
                with self._lock, self._finished.making(block.name, file):
                    for i, name in enumerate(SCORES):
                        self._scores[block.rows, i] = found[name]
                    self._scores.flush()
        except CryoSegmentError as error:
            self._scores[block.rows] = np.nan
            return str(error)
        return ""


def _earlier(path: Path, shape: tuple[int, int]) -> Array | None:
    """The scores of an earlier run in their file, if it is there and was not cut short."""
    try:
        found: Array = np.load(path, mmap_mode="r+")
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape else None


def _new(path: Path, shape: tuple[int, int]) -> Array:
    """No scores yet in a new file, and no list of finished blocks beside it."""
    remove_file(path.with_name(FINISHED_NAME))
    remove_file(path)
    made: Array = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    made[:] = np.nan
    return made
