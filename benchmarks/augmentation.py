# SPDX-License-Identifier: GPL-3.0-or-later
"""What each augmentation is worth: networks trained on two micrographs, scored on others.

    OMP_NUM_THREADS=1 python benchmarks/augmentation.py --maps MAPS --work runs/augmentation

Two micrographs of a molecule are simulated for training, four like them and four of another
session (more defocus, a steeper envelope, ice and carbon) for scoring. The same steps are taken
with every augmentation, from the general model and from scratch. Scores are the best F1 over all
thresholds at 0.25 diameter; differences are to basic, paired by molecule, start and seed.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scoring import run
from torch import nn

from cryosegment.core.labels.labelled import LabelledImage, read_labels
from cryosegment.core.models.model import load_model
from cryosegment.core.networks import build_network
from cryosegment.core.training.data.augmentation import BASIC, LEVELS, Augmentation
from cryosegment.core.training.data.patches import PatchBatches
from cryosegment.core.training.fit.loop import fit
from cryosegment.core.training.fit.settings import FitSettings, Validation
from cryosegment.core.training.losses.picking import PickingLoss
from cryosegment.core.training.validation import best_f1
from cryosegment.exchange.params import InputParams
from cryosegment.exchange.progress import no_progress

MOLECULES = ("6vxx", "1wcm")
SIZE = "--size 2048 2048 --pixel-size 1.77 --coverage 0.25"
SESSIONS = {
    "training": "--count 2 --snr 0.004 --defocus-min 8000 --defocus-max 13000 --seed 1",
    "alike": "--count 4 --snr 0.004 --defocus-min 8000 --defocus-max 13000 --seed 2",
    "other": "--count 4 --snr 0.006 --defocus-min 18000 --defocus-max 26000 --b-factor 120 "
    "--ice-blobs 2 --carbon 0.5 --seed 3",
}
VARIANTS: dict[str, Augmentation] = {
    "none": LEVELS["none"],
    "basic": BASIC,
    "basic, zoom 1.33": replace(BASIC, zoom=1.33),
    "basic, spectrum": replace(BASIC, spectrum=0.3),
    "basic, mixing": replace(BASIC, mixing=0.7),
    "basic, paste": replace(BASIC, paste=0.5),
    "full": LEVELS["full"],
}
STARTS = {"general": (300, 5e-4, 96), "scratch": (500, 2e-3, 96)}
"""Steps, peak of the learning rate, side of a patch."""
BATCH = 4


def main() -> None:
    """Simulate, train with every augmentation, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    path = arguments.work / "scores.json"
    if path.exists():
        found = json.loads(path.read_text())
    sets = {name: simulate(name, arguments) for name in MOLECULES}
    for seed, name, start, variant in itertools.product(
        range(arguments.seeds), MOLECULES, STARTS, VARIANTS
    ):
        key = f"{start}/{name}/{seed}/{variant}"
        if key not in found:
            network = train(sets[name]["training"], start, variant, seed, path.with_suffix(""))
            found[key] = {kind: f1(network, sets[name][kind]) for kind in ("alike", "other")}
            path.write_text(json.dumps(found, indent=1))
    print_table(found)


def simulate(name: str, arguments: argparse.Namespace) -> dict[str, list[LabelledImage]]:
    """The sessions of a molecule."""
    sessions = {}
    for kind, options in SESSIONS.items():
        folder = arguments.work / name / kind
        if not (folder / "truth" / "labels.json").exists():
            molecule = ["--molecule", str(next(arguments.maps.rglob(f"{name}.*")))]
            run("simulate", *SIZE.split(), *options.split(), *molecule, "--output", str(folder))
        sessions[kind] = read_labels([folder / "truth"], InputParams(20.0), no_progress)
    return sessions


def train(
    images: list[LabelledImage], start: str, variant: str, seed: int, state: Path
) -> nn.Module:
    """The averaged network of the last step."""
    steps, rate, patch = STARTS[start]
    torch.manual_seed(seed)
    network = (
        load_model("general", "cpu").network if start == "general" else build_network("compact")
    )
    batches = PatchBatches(images, patch, range(BATCH), seed, VARIANTS[variant])
    settings = FitSettings(
        PickingLoss(), steps=steps, minutes=None, learning_rate=rate, validations=1
    )
    state.with_suffix(".safetensors").unlink(missing_ok=True)
    best, _ = fit(
        network, batches, rising(), settings, state.with_suffix(".safetensors"), lambda *told: None
    )
    return best


def rising() -> Callable[[nn.Module], Validation]:
    """A validation for which the last network is the best."""
    scores = itertools.count()
    return lambda network: Validation(float(next(scores)))


def f1(network: nn.Module, images: Sequence[LabelledImage]) -> float:
    """Best F1 over all thresholds."""
    return best_f1(network, images).score


def print_table(found: dict[str, dict[str, float]]) -> None:
    """Mean scores by start, and the mean difference to basic with its standard error."""
    columns = list(itertools.product(STARTS, ("alike", "other")))
    print("| augmentation | " + " | ".join(f"{start}, {kind}" for start, kind in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for variant in VARIANTS:
        cells = []
        for start, kind in columns:
            keys = [key.rsplit("/", 1)[0] for key in found if key.startswith(f"{start}/")]
            pairs = [
                (found[f"{key}/{variant}"][kind], found[f"{key}/basic"][kind])
                for key in dict.fromkeys(keys)
            ]
            scores, basic = np.array(pairs).T
            change = scores - basic
            error = change.std(ddof=1) / len(change) ** 0.5
            cells.append(f"{scores.mean():.3f} ({change.mean():+.3f} ± {error:.3f})")
        print(f"| {variant} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
