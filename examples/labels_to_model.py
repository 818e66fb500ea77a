# SPDX-License-Identifier: GPL-3.0-or-later
"""From the coordinates of a few micrographs to a model of your own, and what it is worth.

    python examples/labels_to_model.py

Each step is a command, as in a shell. For a good model, train some minutes in place of seconds.
"""

import json
from pathlib import Path

from cryosegment.cli.main import main as cryosegment

SCALE = ("--diameter", "180", "--pixel-size", "3")


def run(command: str, *words: str) -> None:
    """Run a command of cryosegment; end where it fails."""
    status = cryosegment([*command.split(), *words])
    if status:
        raise SystemExit(status)


def simulate(folder: str, count: int, seed: int) -> list[str]:
    """Micrographs in place of yours, with `FOLDER/truth/coordinates.star`."""
    scene = ("--size", "512", "640", "--pixel-size", "3", "--snr", "0.1", "--seed", str(seed))
    run("simulate", "--output", folder, "--count", str(count), *scene)
    return [str(path) for path in sorted(Path(folder, "micrographs").glob("*.mrc"))]


def main() -> None:
    """Label, train, pick and evaluate."""
    few, others = simulate("few", 4, seed=1), simulate("others", 2, seed=2)
    picked = "few/truth/coordinates.star"
    run("labels coordinates", *few, "--coordinates", picked, *SCALE, "--output", "labels")
    training = ("--from", "general", "--minutes", "0.1", "--batch", "2")
    run("train", "labels", *training, "--output", "mine.safetensors")
    run("pick", *others, "--model", "mine.safetensors", *SCALE, "--output", "picks")
    truth = ("--reference", "others/truth/coordinates.star")
    run("evaluate", "--picks", "picks/coordinates", *truth, *SCALE, "--output", "evaluation")
    evaluation = json.loads(Path("evaluation/evaluation.json").read_text("utf-8"))
    assert evaluation["sets"][0]["overall"]["f1"] > 0.5


if __name__ == "__main__":
    main()
