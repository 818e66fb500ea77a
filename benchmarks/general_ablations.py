# SPDX-License-Identifier: GPL-3.0-or-later
"""What each choice of the general model's training is worth: short trainings, two seeds of each.

    OMP_NUM_THREADS=1 python benchmarks/general_ablations.py --maps MAPS --data DATA \
        --bank runs/general/bank.safetensors --work runs/ablations [--steps 900]

The bank is what `scripts/train_general.py` leaves in its work folder. Each network learns the same
number of steps of scenes of the same size in pixels, then picks simulated micrographs of molecules
that it has not seen, and EMPIAR-10017. Figures are F1 at the best threshold, of each seed. A run
that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import torch
from micrograph_sets import HARD, UNSEEN, MicrographSet, read_empiar10017, simulated
from scoring import pick
from torch import Tensor
from tqdm import tqdm

from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.core.simulation.bank import read_bank
from cryosegment.core.simulation.scenes import SceneSettings
from cryosegment.core.training.data.scenes import SceneBatches, SceneValidation
from cryosegment.core.training.data.targets import PickingTargets
from cryosegment.core.training.fit.loop import fit
from cryosegment.core.training.fit.schedule import STEADY_END
from cryosegment.core.training.fit.settings import FitSettings
from cryosegment.core.training.losses.picking import PickingLoss
from cryosegment.exchange.card import Facts, ModelCard, TrainedNetwork
from cryosegment.exchange.files import write_text
from cryosegment.exchange.params import InputParams
from cryosegment.exchange.params.networks import BATCH_NORM, GROUP_NORM

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from backgrounds import read_textures

SHIPPED: Facts = {"widths": [32, 64, 128, 256], "deep_blocks": 3, "normalization": BATCH_NORM}
SEEDS = (0, 1)
LOCATING = ("particle", "center", "offset")
"""Heads without which nothing is found."""
LOW_SNR = 0.01
WORDS = ("very noisy", "crowded", "sparse", "dirty")
COLUMNS = (f"SNR {LOW_SNR}", *WORDS, "EMPIAR-10017")
AVERAGING = 0.999


@dataclass(frozen=True)
class Variant:
    """One choice that differs from those of the shipped model.

    Parameters
    ----------
    name
        What a row of the table calls it.
    network
        Arguments of the network that differ.
    scenes
        What the scenes are drawn from.
    heads
        Heads whose terms the loss has; empty for all.
    averaging
        Decay of the average of the weights; 0 takes those of the last step.
    """

    name: str
    network: Facts = field(default_factory=dict)
    scenes: SceneSettings = field(default_factory=SceneSettings)
    heads: tuple[str, ...] = ()
    averaging: float = AVERAGING


VARIANTS = (
    Variant("as shipped"),
    Variant("normalised over the image", {"normalization": GROUP_NORM}),
    Variant("24 px per diameter", scenes=SceneSettings(diameter=24.0)),
    Variant("32 px per diameter", scenes=SceneSettings(diameter=32.0)),
    Variant("half as wide", {"widths": [16, 32, 64, 128]}),
    Variant("SNR from 0.1, none favoured", scenes=SceneSettings(snr=(0.1, 1.0, 30.0), hard=0.4)),
    Variant("no real backgrounds", scenes=SceneSettings(real=0.0)),
    Variant("weights not averaged", averaging=0.0),
    Variant("no heads for edge and contamination", heads=LOCATING),
    Variant("half as wide again", {"widths": [48, 96, 192, 384]}),
)


class SomeTerms:
    """The loss of the shipped model, with the terms of some heads."""

    def __init__(self, heads: tuple[str, ...]) -> None:
        self._loss = PickingLoss()
        self._heads = heads

    def __call__(self, logits: Tensor, targets: PickingTargets) -> dict[str, Tensor]:
        """The terms that are asked for; all, if none is named."""
        terms = self._loss(logits, targets)
        return {name: terms[name] for name in self._heads or terms}


def main() -> None:
    """Train every variant with every seed, pick, print the table."""
    arguments = parse_arguments()
    bank, textures = read_bank(arguments.bank), read_textures(arguments.data)
    sets = sets_of(arguments)
    print(f"| | {' | '.join(COLUMNS)} |\n{'|---' * (len(COLUMNS) + 1)}|")
    for variant in VARIANTS:
        found = []
        for seed in SEEDS:
            folder = arguments.work / f"{variant.name.replace(' ', '_')}_{seed}"
            results = folder / "results.json"
            if not results.exists():
                folder.mkdir(parents=True, exist_ok=True)
                model = folder / "model.safetensors"
                if not model.exists():
                    batches = SceneBatches(bank, variant.scenes, 4, seed, textures)
                    validate = SceneValidation(bank, variant.scenes, seed, count=8)
                    train(variant, batches, validate, seed, arguments.steps, model)
                scored = {some.folder: best_f1(model, some, folder / "picks") for some in sets}
                write_text(results, json.dumps(scored))
            found.append(columns(json.loads(results.read_text())))
        cells = (", ".join(f"{value:.3f}" for value in seeds) for seeds in zip(*found, strict=True))
        print(f"| {variant.name} | {' | '.join(cells)} |", flush=True)


def parse_arguments() -> argparse.Namespace:
    """Options of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--simulated", type=Path, help="work folder of benchmarks/simulated.py")
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--count", type=int, default=2, help="simulated micrographs of a set")
    return parser.parse_args()


def sets_of(arguments: argparse.Namespace) -> list[MicrographSet]:
    """The micrographs that every network picks."""
    scenes = (
        *(scene for scene in UNSEEN if scene.snr == LOW_SNR),
        *(scene for scene in HARD if scene.word in WORDS),
    )
    work = arguments.simulated or arguments.work
    return [
        *simulated(scenes, arguments.maps, work, arguments.count),
        read_empiar10017(arguments.data / "empiar10017"),
    ]


def train(
    variant: Variant,
    batches: SceneBatches,
    validate: SceneValidation,
    seed: int,
    steps: int,
    output: Path,
) -> None:
    """Train a network and write it as a model."""
    arguments = {**SHIPPED, **variant.network}
    torch.manual_seed(seed)
    settings = FitSettings(
        SomeTerms(variant.heads),
        steps,
        minutes=None,
        schedule="steady",
        validations=1,
        averaging=variant.averaging,
        moving_statistics=STEADY_END,
        bfloat16=True,
    )
    bar = tqdm(total=steps, desc=variant.name, mininterval=30)
    trained, _ = fit(
        build_network("compact", **arguments),
        batches,
        validate,
        settings,
        output.with_name("state.safetensors"),
        lambda progress, _: bar.update(progress.step - bar.n),
    )
    network = TrainedNetwork("compact", arguments, HEADS)
    card = ModelCard("ablation", network, InputParams(variant.scenes.diameter))
    save_checkpoint(output, trained, card)


def best_f1(model: Path, some: MicrographSet, output: Path) -> float:
    """F1 at the threshold that is best for the set, of what a model picks without a CRF."""
    options = ["--diameter", str(some.diameter), "--model", str(model)]
    options += ["--crf", "none", "--threshold", "0.5"]
    picks = pick(some.micrographs, output / some.folder, some.pixel_size, options)
    return evaluate(picks.candidates, some.reference, some.diameter).overall.best_f1


def columns(scored: dict[str, float]) -> list[float]:
    """Figures of the sets as columns: the three molecules at one SNR are one."""
    unseen = [scored[scene.folder] for scene in UNSEEN if scene.snr == LOW_SNR]
    words = [scored[scene.folder] for scene in HARD if scene.word in WORDS]
    return [mean(unseen), *words, scored["empiar10017"]]


if __name__ == "__main__":
    main()
