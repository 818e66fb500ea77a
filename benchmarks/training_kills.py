# SPDX-License-Identifier: GPL-3.0-or-later
"""A training that is killed (SIGKILL) again and again and resumed, beside one that is left alone.

    OMP_NUM_THREADS=1 python benchmarks/training_kills.py --work runs/kills

Both train the default network from scratch for the same steps on the same simulated micrographs.
Each run of the first lives for a random time after its start. Compared are the curves, the
weights, and what the kills left behind.
"""

from __future__ import annotations

import argparse
import csv
import random
import signal
import subprocess
import sys
from pathlib import Path

from safetensors.numpy import load_file
from scoring import run

SIMULATION = "--count 3 --size 768 768 --pixel-size 4 --snr 0.3 --seed 3"
TRAINING = "--batch 4 --patch 96 --gpu cpu --seed 1"
LIFE = (6.0, 30.0)  # seconds


def main() -> None:
    """Simulate, train twice, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", default="6")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    labels = arguments.work / "simulation" / "truth"
    if not (labels / "labels.json").exists():
        run("simulate", *SIMULATION.split(), "--output", str(labels.parent))
    command = ["train", str(labels), *TRAINING.split(), "--epochs", arguments.epochs, "--output"]
    whole, killed = (arguments.work / f"{name}.safetensors" for name in ("whole", "killed"))
    run(*command, str(whole))
    kills = train_under_fire([*command, str(killed)], random.Random(arguments.seed))
    print(f"{kills} kills, {len(curve(whole))} validations in {curve(whole)[-1]['step']} steps")
    print(f"curves are the same to the last bit: {curve(whole) == curve(killed)}")
    weights, others = load_file(whole), load_file(killed)
    same = all((weights[name] == others[name]).all() for name in weights)
    print(f"weights are the same to the last bit: {same}")
    left = sorted(path.name for path in arguments.work.glob(".*"))
    print(f"left behind: {', '.join(left) or 'nothing'}")


def train_under_fire(command: list[str], generator: random.Random) -> int:
    """Train, and resume after each kill until nothing is left to do; how often it was killed."""
    kills = 0
    while True:
        resume = ["--resume"] if kills else []
        process = subprocess.Popen([sys.executable, "-m", "cryosegment", *command, *resume])
        try:
            status = process.wait(generator.uniform(*LIFE))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        if status:
            raise SystemExit(status)
        return kills


def curve(model: Path) -> list[dict[str, str]]:
    """The rows of the history, without the time they took."""
    with model.with_suffix(".history.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


if __name__ == "__main__":
    main()
