# SPDX-License-Identifier: GPL-3.0-or-later
"""Pickers and their consensus in one evaluation of real micrographs, and the time of a large one.

    python benchmarks/evaluation.py --data DATA --work runs/evaluation [--model MODEL]

The table is of real beta-galactosidase: picks of our own, crYOLO, Topaz and DeepPicker on the six
micrographs that all have, and the particles that so many of the four agree on, against the experts,
with 95 % intervals over the micrographs. Last comes the time for made-up picks on 1,000
micrographs, of the whole command.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
from consensus import EACH, MICROGRAPHS, SIDE, cpu_seconds, made_up
from empiar10017 import LENGTHS, PEERS, picked_by_others
from micrograph_sets import REAL_PIXEL_SIZE
from scoring import only, pick, run

from cryosegment.exchange.coordinates import (
    Coordinates,
    read_coordinates,
    write_coordinates_star,
)
from cryosegment.exchange.evaluation import Evaluation, SetEvaluation, read_evaluation
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, PickFolder

SIZES = [*LENGTHS, "--pixel-size", str(REAL_PIXEL_SIZE)]
OURS, OF_ALL = "ours", " of 4"
COLUMNS = ("precision", "recall", "f1", "average_precision", "best_f1")
HEADER = (
    "| picks | number | P | R | F1 (95 %) | AP (95 %) | best F1 | error Å | count error | box mAP "
    "| disc F1 |\n" + "|---" * 11 + "|"
)


def main() -> None:
    """Print the table, what stands out, and the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="general")
    arguments = parser.parse_args()
    tell(compare(arguments.data / "empiar10017", arguments.work, arguments.model))
    measure(arguments.work / "made_up")


def compare(folder: Path, work: Path, model: str) -> Evaluation:
    """Pick, make the consensus, and evaluate all."""
    names = picked_by_others(folder)
    files = [folder / "micrographs" / f"{name}.jpg" for name in sorted(names)]
    pick(files, work / "picks", REAL_PIXEL_SIZE, [*LENGTHS, "--model", model])
    own = PickFolder(work / "picks")
    peers = {name: folder / "other_pickers" / name for name in PEERS}
    sets = {OURS: own.folder(COORDINATES), **peers}
    for votes in range(1, len(peers) + 2):
        output = work / f"agreed_{votes}"
        together = [str(path) for path in (own.folder(COORDINATES), *peers.values())]
        run("consensus", *together, *SIZES, "--votes", str(votes), "--output", str(output))
        sets[f"{votes}{OF_ALL}"] = PickFolder(output).folder(COORDINATES)
    sets[f"{OURS} (all candidates)"] = own.folder(CANDIDATES)
    reference = work / "reference.star"
    known = only(read_coordinates(folder / "coordinates", REAL_PIXEL_SIZE), names)
    write_coordinates_star(reference, [(f"{name}.mrc", own) for name, own in known.items()])
    evaluate(list(sets.values()), reference, work / "evaluation", ["--names", ",".join(sets)])
    return read_evaluation(work / "evaluation")


def evaluate(picks: list[Path], reference: Path, output: Path, options: list[str]) -> None:
    """Evaluate sets of picks."""
    of = ["--picks", *map(str, picks), "--reference", str(reference), *SIZES]
    run("evaluate", *of, "--published", "crisp,cryosegnet", *options, "--output", str(output))


def tell(evaluation: Evaluation) -> None:
    """Print a row for each set, and how the best consensus compares with each picker."""
    print(HEADER)
    for own in evaluation.sets:
        print(row(own))
    agreed = [own for own in evaluation.sets if own.name.endswith(OF_ALL)]
    best = max(agreed, key=lambda own: own.overall.f1).name
    for each in evaluation.differences:
        both = (each.first, each.second)
        if each.figure == "f1" and best in both and set(both) & {OURS, *PEERS}:
            by = f"{each.value:+.3f} ({each.low:+.3f} to {each.high:+.3f})"
            print(f"F1 of {each.first} less that of {each.second}: {by}")


def row(own: SetEvaluation) -> str:
    """A row of the table."""
    total = own.overall
    figures = {name: f"{getattr(total, name):.3f}" for name in COLUMNS}
    for name in ("f1", "average_precision"):
        low, high = own.intervals[name]
        figures[name] += f" ({low:.3f}-{high:.3f})"
    boxes = own.boxes.mean_average_precision if own.boxes else math.nan
    cells = [
        own.name,
        str(total.picks),
        *figures.values(),
        f"{total.center_error_mean:.1f}",
        f"{own.mean_count_error:.2f}",
        f"{boxes:.3f}",
        f"{own.discs[1].f1:.3f}",
    ]
    return f"| {' | '.join(cells)} |"


def measure(work: Path) -> None:
    """Time the command on made-up picks."""
    random = np.random.default_rng(0)
    particles = random.uniform(0, SIDE, (MICROGRAPHS, EACH, 2))
    known = [
        (f"micrograph_{i:04}.mrc", Coordinates(own, REAL_PIXEL_SIZE, f"micrograph_{i:04}"))
        for i, own in enumerate(particles)
    ]
    write_coordinates_star(work / "reference.star", known)
    write_coordinates_star(work / "picks.star", made_up(particles, random))
    of = ["--picks", str(work / "picks.star"), "--reference", str(work / "reference.star")]
    before, begun = cpu_seconds(), time.monotonic()
    run("evaluate", *of, *SIZES, "--output", str(work / "evaluation"), "--json")
    print(f"CPU s {cpu_seconds() - before:.1f}, s {time.monotonic() - begun:.1f}")


if __name__ == "__main__":
    main()
