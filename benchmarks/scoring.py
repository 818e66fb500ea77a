# SPDX-License-Identifier: GPL-3.0-or-later
"""What the accuracy benchmarks share: running commands of ours, and rows of a table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import torch

from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels
from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.doubts import summarise
from cryosegment.core.pipeline.micrograph import pick as pick_maps
from cryosegment.core.pipeline.micrograph import read_working_image, segment
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.labels import LabelEntry
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, INSTANCES, PickFolder
from cryosegment.exchange.pick_summary import MicrographSummary
from cryosegment.exchange.settings import pick_settings

Sets = dict[str, Coordinates]
HEADER = "| picks | micrographs | P | R | F1 | AP | best F1 | error Å |\n" + "|---" * 8 + "|"


def run(*arguments: str) -> None:
    """A command of ours."""
    subprocess.run([sys.executable, "-m", "cryosegment", *arguments], check=True)


def only(sets: Sets, names: set[str]) -> Sets:
    """Those of some micrographs."""
    return {name: found for name, found in sets.items() if name in names}


@dataclass(frozen=True)
class Scored:
    """Picks, and all candidates that they were chosen from."""

    chosen: Sets
    candidates: Sets

    def only(self, names: set[str]) -> Scored:
        """Those of some micrographs."""
        return Scored(only(self.chosen, names), only(self.candidates, names))


def pick(micrographs: list[Path], output: Path, pixel_size: float, options: list[str]) -> Scored:
    """What `cryosegment pick` finds."""
    files = [str(path) for path in micrographs]
    run("pick", *files, "--pixel-size", str(pixel_size), "--output", str(output), *options)
    results = PickFolder(output)
    chosen, candidates = (
        read_coordinates(results.folder(kind), pixel_size) for kind in (COORDINATES, CANDIDATES)
    )
    return Scored(chosen, candidates)


def print_row(label: str, picks: Scored, reference: Sets, diameter: float) -> None:
    """One line: at the picks' own threshold, then over all thresholds of the candidates."""
    total = evaluate(picks.chosen, reference, diameter).overall
    ranked = evaluate(picks.candidates, reference, diameter).overall
    figures = (total.precision, total.recall, total.f1, ranked.average_precision, ranked.best_f1)
    cells = " | ".join(f"{value:.3f}" for value in figures)
    error = f"{total.center_error_mean:.1f}"
    print(f"| {label} | {len(reference)} | {cells} | {error} |", flush=True)


def count_masks(entries: Sequence[LabelEntry], output: Path) -> PixelCounts:
    """Pixels of the masks that `pick --masks` wrote, against the exact ones."""
    counts = PixelCounts()
    for entry in entries:
        found, exact = (
            torch.from_numpy(mrcfile.read(path) > 0)
            for path in (PickFolder(output).file(INSTANCES, entry.name), entry.instances)
        )
        counts = counts + count_pixels(found, exact)
    return counts


def summary_of(path: Path, params: PickParams, model: Model) -> MicrographSummary:
    """Figures of a micrograph, as if it were a data set."""
    settings = pick_settings(params, model.card)
    working = read_working_image(path, path.stem, settings)
    maps = segment(working, model, settings.crf)
    return summarise(pick_maps(path.stem, working, maps, settings), settings)
