# SPDX-License-Identifier: GPL-3.0-or-later
"""Every centre finder on real beta-galactosidase, from the same maps of one model.

    python benchmarks/finders.py --data DATA --work runs/finders [--model MODEL [--held-out]]

`--held-out` is for the model that `empiar10017.py` has trained: it picks the nine micrographs that
were not trained on. `--sam DIR` adds SAM from a checkpoint.

DATA holds `empiar10017/`. The micrographs are segmented once; the other finders pick in the maps
that this leaves. All have their default settings. The threshold of every half of them is the
one with the best F1 on the other half, as the scores of most finders are not calibrated. AP and
"best F1" look at all candidates; "twice" counts picks within 0.4 diameter of a better one.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from empiar10017 import split
from micrograph_sets import REAL_DIAMETER, MicrographSet, read_empiar10017
from scipy.spatial import cKDTree
from scoring import HEADER, Sets, only, run

from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.parts import CENTER_FINDERS, HEAT_MAP, SAM
from cryosegment.exchange.pick_folder import CANDIDATES, PickFolder

TWICE = 0.4
"""Picks nearer than this are one particle, in diameters."""


def main() -> None:
    """Segment once, find centres in every way, print the table."""
    arguments = parse_arguments()
    folder = arguments.data / "empiar10017"
    real = read_empiar10017(folder)
    if arguments.held_out:
        micrographs = split(folder)[1]
        reference = only(real.reference, {path.stem for path in micrographs})
        real = replace(real, micrographs=micrographs, reference=reference)
    files = [str(path) for path in real.micrographs]
    maps = arguments.work / "maps"
    options = ["--diameter", str(real.diameter), "--pixel-size", str(real.pixel_size), "--maps"]
    run("pick", *files, *options, "--model", arguments.model, "--output", str(maps))
    print(HEADER.replace("error Å |", "error Å | twice |").replace("picks", "finder", 1) + "---|")
    for name in CENTER_FINDERS:
        if name == HEAT_MAP:
            print_finder(name, maps, real)
        elif name != SAM or arguments.sam:
            output = arguments.work / name
            own = ["--centers", name, *(["--sam", arguments.sam] if name == SAM else [])]
            run("repick", str(maps), *own, "--output", str(output))
            print_finder(name, output, real)


def print_finder(name: str, output: Path, real: MicrographSet) -> None:
    """One line of the table."""
    candidates = read_coordinates(PickFolder(output).folder(CANDIDATES), real.pixel_size)
    chosen = chosen_by_halves(candidates, real.reference)
    total = evaluate(chosen, real.reference, real.diameter).overall
    ranked = evaluate(candidates, real.reference, real.diameter).overall
    figures = (total.precision, total.recall, total.f1, ranked.average_precision, ranked.best_f1)
    cells = " | ".join(f"{value:.3f}" for value in figures)
    twice = sum(count_twice(found) for found in chosen.values())
    error = f"{total.center_error_mean:.1f}"
    print(f"| {name} | {len(real.reference)} | {cells} | {error} | {twice} |", flush=True)


def chosen_by_halves(candidates: Sets, reference: Sets) -> Sets:
    """Picks of each half at the threshold that is best on the other."""
    names, chosen = sorted(reference), {}
    for half in (0, 1):
        others = set(names[1 - half :: 2])
        scored = evaluate(only(candidates, others), only(reference, others), REAL_DIAMETER)
        for name in set(names[half::2]) & set(candidates):
            found = candidates[name]
            chosen[name] = found.select(found.scores >= scored.overall.best_threshold)
    return chosen


def count_twice(picks: Coordinates) -> int:
    """Picks with a better one near by."""
    near = cKDTree(picks.centers_yx).query_pairs(TWICE * REAL_DIAMETER / picks.pixel_size)
    return len({max(pair) for pair in near})


def parse_arguments() -> argparse.Namespace:
    """Options of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="general")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--sam", default="")
    return parser.parse_args()


if __name__ == "__main__":
    main()
