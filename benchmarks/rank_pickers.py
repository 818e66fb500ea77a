# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks of other programs, ranked: their precision against experts by quantile of the score.

    python benchmarks/rank_pickers.py --data DATA --work runs/rank_pickers

DATA holds `empiar10017/`. Boxes of 283 Å are cut around the picks of crYOLO, Topaz and DeepPicker
on six micrographs, binned to 80 px, and ranked by the shipped model of particle images. A pick is
right if it lies within a quarter of the diameter of an expert's; experts have left out particles,
so that no ranking could reach 1. Beside the quality: the edge-to-signal ratio, the score of the
picker itself, and the variance of the box. AUC: the probability that a right pick has a higher
score than a wrong one.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import mrcfile
import numpy as np
import torch
from empiar10017 import PEERS
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE, read_empiar10017
from particle_stacks import Boxes, extract
from scipy.spatial import cKDTree
from scoring import Sets, only, run

from cryosegment.core.particles.overlap import area_under_curve
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.particles.ranked import read_scores

BOXES = Boxes(160, 80, REAL_PIXEL_SIZE)
TOLERANCE = 0.25
QUANTILES = 5


def main() -> None:
    """Extract and rank the picks of each program, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="particles")
    arguments = parser.parse_args()
    real = read_empiar10017(arguments.data / "empiar10017")
    files = {path.stem: path for path in real.micrographs}
    titles = "".join(f" | {i + 1}" for i in range(QUANTILES))
    print(
        f"| picks | number | precision | score | AUC{titles} |\n" + "|---" * (5 + QUANTILES) + "|"
    )
    for peer in PEERS:
        folder = arguments.data / "empiar10017" / "other_pickers" / peer
        picks = {k: v for k, v in read_coordinates(folder, REAL_PIXEL_SIZE).items() if len(v)}
        scores, is_right = ranked(peer, picks, only(real.reference, set(picks)), files, arguments)
        for name, values in scores.items():
            print_row(peer, name, values, is_right)


def ranked(
    peer: str, picks: Sets, experts: Sets, files: Mapping[str, Path], arguments: argparse.Namespace
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Scores by name, and which picks are right, of those that have a whole box."""
    folder = arguments.work / peer
    right, own, variances = [], [], []
    for name, is_whole in extract(files, picks, BOXES, folder / "stacks"):
        distances, _ = cKDTree(experts[name].centers_yx).query(picks[name].centers_yx[is_whole])
        right.append(distances <= TOLERANCE * REAL_DIAMETER / REAL_PIXEL_SIZE)
        own.append(picks[name].scores[is_whole])
        variances.append(mrcfile.read(folder / "stacks" / f"{name}.mrcs").var((1, 2)))
    source = ["--particles", str(folder / "stacks" / "particles.star"), "--model", arguments.model]
    output = folder / "ranked"
    run("rank", *source, "--diameter", str(REAL_DIAMETER), "--output", str(output))
    found = read_scores(output)
    scores = {"quality": found["quality"], "edge-to-signal ratio": found["ets"]}
    scores.update({"the picker's own": np.concatenate(own), "variance": np.concatenate(variances)})
    return scores, np.concatenate(right)


def print_row(peer: str, name: str, values: np.ndarray, is_right: np.ndarray) -> None:
    """One line: over all picks, and of each part of them, the worst first."""
    area = area_under_curve(torch.from_numpy(values.astype(float)), torch.from_numpy(is_right))
    parts = np.array_split(np.argsort(values, kind="stable"), QUANTILES)
    cells = " | ".join(f"{is_right[part].mean():.3f}" for part in parts)
    print(f"| {peer} | {len(is_right)} | {is_right.mean():.3f} | {name} | {area:.3f} | {cells} |")


if __name__ == "__main__":
    main()
