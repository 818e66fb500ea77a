# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether scores are probabilities, thresholds are well chosen, and decoys tell false discoveries.

    python benchmarks/calibration.py --work runs/calibration --sets SETS... [--model MODEL]

Each of SETS is a folder that `cryosegment simulate` has made, or `empiar10017` in a data folder.
Candidates are right within 0.25 diameter of a particle. The calibration error is the mean distance
of their probability from the share of right ones, over ten bins of the probability, weighted by
their candidates. Thresholds are chosen by `pick` itself, from the candidates alone. False
discoveries are the share of the picks that are wrong at that threshold, and at 0.5, and what
the decoys say there; on real micrographs the experts' labels are not complete, so that both the
calibration error and the share of wrong picks are too high.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from micrograph_sets import MicrographSet, read_empiar10017, read_simulation
from scoring import Sets, run

from cryosegment.core.evaluation.matching import ranked_hits
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.csv_rows import read_table
from cryosegment.exchange.pick_folder import CANDIDATES, PickFolder

BINS = 10
TOLERANCE = 0.25
COLUMNS = (
    "set",
    "particles",
    "expected",
    "calibration error",
    "best F1",
    "auto F1",
    "at",
    "card F1",
    "false at auto",
    "decoys",
    "false at 0.5",
    "decoys",
)


def main() -> None:
    """Print a row for each set, and the bins of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", type=Path, nargs="+", required=True)
    parser.add_argument("--model", default="general")
    parser.add_argument("--decoys", default="3")
    arguments = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    scores, hits = [], []
    for folder in arguments.sets:
        read = read_empiar10017 if folder.name == "empiar10017" else read_simulation
        some = read(folder)
        found = measure(some, arguments.work / some.folder, arguments.model, arguments.decoys)
        scores.append(found[0])
        hits.append(found[1])
    print_bins(np.concatenate(scores), np.concatenate(hits))


def measure(
    some: MicrographSet, output: Path, model: str, decoys: str
) -> tuple[np.ndarray, np.ndarray]:
    """Print the row of a set; scores of its candidates, and which are right."""
    lengths = ["--diameter", str(some.diameter), "--pixel-size", str(some.pixel_size)]
    files = list(map(str, some.micrographs))
    common = [*files, *lengths, "--model", model]
    run("pick", *common, "--decoys", decoys, "--output", str(output / "auto"))
    run("pick", *common, "--threshold", "card", "--output", str(output / "card"))
    auto = PickFolder(output / "auto")
    candidates = read_coordinates(auto.folder(CANDIDATES), some.pixel_size)
    scores, hits = judge(candidates, some)
    picks = [sum(folder.counts().values()) for folder in (auto, PickFolder(output / "card"))]
    particles = sum(map(len, some.reference.values()))
    found = np.cumsum(hits)
    f1 = 2 * found / (np.arange(1, len(found) + 1) + particles)
    table = read_table(auto.false_discovery)
    at_auto, at_card = (f1[count - 1] if count else 0.0 for count in picks)
    threshold = scores[picks[0] - 1] if picks[0] else 1.0
    cells = [
        *(f"{value:.0f}" for value in (particles, scores.sum())),
        *(f"{value:.3f}" for value in (calibration_error(scores, hits), f1.max(), at_auto)),
        *(f"{value:.3f}" for value in (threshold, at_card)),
    ]
    for level in (threshold, 0.5):
        chosen = scores >= level
        wrong = 1 - hits[chosen].mean() if chosen.any() else 0.0
        rate = float(table[min(int(level * len(table)), len(table) - 1)]["rate"])
        cells += [f"{wrong:.3f}", f"{rate:.3f}"]
    print(f"| {some.name} | " + " | ".join(cells) + " |", flush=True)
    return scores, hits


def judge(candidates: Sets, some: MicrographSet) -> tuple[np.ndarray, np.ndarray]:
    """Scores of all candidates, best first, and which of them are right."""
    scores, hits = [np.empty(0)], [np.empty(0, bool)]
    tolerance_px = TOLERANCE * some.diameter / some.pixel_size
    for name, reference in some.reference.items():
        if name in candidates:
            own = candidates[name]
            centers = own.centers_yx, reference.centers_yx
            scores.append(own.scores)
            hits.append(ranked_hits(*centers, own.scores, tolerance_px))
    every = np.concatenate(scores)
    order = np.argsort(-every, kind="stable")
    return every[order], np.concatenate(hits)[order]


def calibration_error(scores: np.ndarray, hits: np.ndarray) -> float:
    """Mean distance of probabilities from shares of hits, over bins, weighted by candidates."""
    bins = bin_numbers(scores)
    return sum(
        abs(scores[bins == row].sum() - hits[bins == row].sum()) for row in range(BINS)
    ) / max(len(scores), 1)


def bin_numbers(scores: np.ndarray) -> np.ndarray:
    """Which bin each score is in."""
    return np.minimum((scores * BINS).astype(int), BINS - 1)


def print_bins(scores: np.ndarray, hits: np.ndarray) -> None:
    """Reliability of the candidates of all sets together."""
    bins = bin_numbers(scores)
    print("\n| probability | candidates | mean | share of particles |\n" + "|---" * 4 + "|")
    for row in range(BINS):
        own = bins == row
        if own.any():
            means = f"{scores[own].mean():.3f} | {hits[own].mean():.3f}"
            print(f"| {row / BINS:.1f} to {(row + 1) / BINS:.1f} | {own.sum()} | {means} |")


if __name__ == "__main__":
    main()
