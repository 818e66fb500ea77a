# SPDX-License-Identifier: GPL-3.0-or-later
"""Training in several processes beside training in one: the same curves, and how fast.

    python benchmarks/training_processes.py --work runs/processes [--processes 2] [--gpu cpu]

Both train the default network from scratch for the same steps on the same simulated micrographs,
with the same batch as a whole. With `--gpu 0,1` each process has a GPU.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

from scoring import run

SIMULATION = "--count 3 --size 768 768 --pixel-size 4 --snr 0.3 --seed 3"
TRAINING = "--batch 8 --patch 96 --seed 1"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


def main() -> None:
    """Simulate, train twice, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", default="4")
    parser.add_argument("--processes", default="2")
    parser.add_argument("--gpu", default="cpu")
    arguments = parser.parse_args()
    labels = arguments.work / "simulation" / "truth"
    if not (labels / "labels.json").exists():
        run("simulate", *SIMULATION.split(), "--output", str(labels.parent))
    command = ["train", str(labels), *TRAINING.split(), "--epochs", arguments.epochs]
    one, several = (arguments.work / f"{name}.safetensors" for name in ("one", "several"))
    run(*command, "--gpu", arguments.gpu.split(",")[0], "--output", str(one))
    command += ["--gpu", arguments.gpu, "--output", str(several)]
    together = [*TORCHRUN, arguments.processes, "-m", "cryosegment", *command]
    subprocess.run(together, check=True)
    first, second = curve(one), curve(several)
    print("| column | largest relative difference |\n|---|---|")
    for name in set(first[-1]) - {"step", "seconds", "threshold"}:
        worst = max(difference(a, b, name) for a, b in zip(first, second))
        print(f"| {name} | {worst:.1e} |")
    seconds = [float(rows[-1]["seconds"]) for rows in (first, second)]
    print(f"{first[-1]['step']} steps: {seconds[0]:.0f} s in one, {seconds[1]:.0f} s in several")


def curve(model: Path) -> list[dict[str, str]]:
    """The rows of the history."""
    with model.with_suffix(".history.csv").open() as file:
        return list(csv.DictReader(file))


def difference(first: dict[str, str], second: dict[str, str], name: str) -> float:
    """Relative difference of a column in one validation."""
    values = [float(row[name] or 0) for row in (first, second)]
    return abs(values[0] - values[1]) / max(*map(abs, values), 1e-12)


if __name__ == "__main__":
    main()
