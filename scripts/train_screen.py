# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the screening model that ships with the package, on simulated scenes.

    python scripts/train_screen.py --maps MAPS --work runs/screen --backgrounds DATA --minutes 40

The molecules, those that are held out, and the backgrounds are those of `train_general.py`; more of
the scenes have junk, such as broken particles. What is no particle is above all what the shipped
picking model picks there. The network starts from the weights of that model. A run that was
interrupted goes on when it is called again, with more minutes too; what is written is the best by
validation.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from backgrounds import SOURCES, TEXTURES, read_textures
from torch import nn
from tqdm import tqdm
from train_general import HELD_OUT, PROCEDURAL, load_bank

from cryosegment.core.models.checkpoint import fingerprint
from cryosegment.core.models.model import Model, load_model
from cryosegment.core.networks import Heads, build_network
from cryosegment.core.screening.boxes import SIDE
from cryosegment.core.screening.data import BoxBatches, box_loss
from cryosegment.core.screening.scenes import PickedScenes
from cryosegment.core.screening.train import save_screening_model
from cryosegment.core.screening.validation import BoxValidation
from cryosegment.core.simulation.bank import ProjectionBank
from cryosegment.core.simulation.scenes import SceneSettings
from cryosegment.core.training.data.scenes import VALIDATION_STREAM
from cryosegment.core.training.fit.loop import fit
from cryosegment.core.training.fit.settings import FitSettings, Validation
from cryosegment.core.training.fit.state import TrainingProgress
from cryosegment.exchange.card import SCREENING, Facts, ModelCard, Provenance, TrainedNetwork
from cryosegment.exchange.model_files import GENERAL, model_path
from cryosegment.exchange.params import InputParams
from cryosegment.exchange.screening import KINDS

SCENES = SceneSettings(clean=0.35, empty=0.05, sparse=0.2, others=0.15, broken=0.4)
IN_A_BATCH, BOXES = 8, 192
VALIDATED = 150
"""Scenes of a batch, its boxes, and scenes for validation."""
ARCHITECTURE = "box-classifier"
NETWORK: Facts = {"widths": [32, 64, 128, 256], "deep_blocks": 1}


def main() -> None:
    """Train, and write the model."""
    arguments = parse_arguments()
    bank = load_bank(arguments.maps, arguments.work, arguments.seed)
    picker = load_model(GENERAL, "cpu")
    textures = read_textures(arguments.backgrounds) if arguments.backgrounds else ()
    held = PickedScenes(bank, SCENES, picker, VALIDATED)
    random = np.random.default_rng((arguments.seed, VALIDATION_STREAM))
    validation = BoxValidation(held(random), arguments.seed)
    drawn = PickedScenes(bank, SCENES, picker, IN_A_BATCH, textures)
    settings = FitSettings(
        loss=box_loss,
        steps=arguments.steps,
        minutes=arguments.minutes,
        learning_rate=1e-3,
        validations=8,
        bfloat16=arguments.bfloat16,
        labels=str(asdict(SCENES)),
    )
    with tqdm(total=100.0, unit="%") as bar:

        def report(progress: TrainingProgress, share: float) -> None:
            """Show the step and the last validation's score."""
            score = progress.history[-1]["score"]
            bar.set_postfix(step=progress.step, ap=f"{score:.3f}", refresh=False)
            bar.update(100 * share - bar.n)

        batches = BoxBatches(drawn, BOXES, arguments.seed)
        state = arguments.work / "state.safetensors"
        network = start_network(picker, arguments.seed)
        best, progress = fit(network, batches, validation, settings, state, report)
    found = Validation(progress.best_score, progress.best)
    card = describe(bank, progress, arguments)
    save_screening_model(arguments.output, best, card, validation, found, "simulated scenes")
    for row in progress.history:
        print({name: round(value, 4) for name, value in row.items()})


def parse_arguments() -> argparse.Namespace:
    """Options of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True, help="folder of molecules")
    parser.add_argument("--work", type=Path, required=True, help="bank and state of the training")
    parser.add_argument("--output", type=Path, default=model_path("screening"))
    parser.add_argument("--backgrounds", type=Path, help="folder of real micrographs")
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument(
        "--bfloat16", action="store_true", help="if the CPU has instructions for it"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def start_network(picker: Model, seed: int) -> nn.Module:
    """A classifier whose blocks have the weights of those of a picking network."""
    torch.manual_seed(seed)
    network = build_network(ARCHITECTURE, Heads(KINDS), **NETWORK)
    known = picker.network.state_dict()
    blocks = {
        name: known[name] for name in network.state_dict() if name.startswith(("down.", "deep."))
    }
    network.load_state_dict(blocks, strict=False)
    return network


def describe(
    bank: ProjectionBank, progress: TrainingProgress, arguments: argparse.Namespace
) -> ModelCard:
    """The card of the model, but for what its validation tells."""
    scenes: Facts = {
        "id": "simulated scenes",
        "molecules": len(bank.diameters) - PROCEDURAL,
        "procedural": PROCEDURAL,
        "scenes": progress.step * IN_A_BATCH,
        "held_out": list(HELD_OUT),
        "settings": asdict(SCENES),
    }
    backgrounds: Facts = {
        "id": "backgrounds of real micrographs",
        "files": TEXTURES,
        "sources": SOURCES,
    }
    provenance = Provenance(
        label_source="simulation",
        particle_diameters=(float(bank.diameters.min()), float(bank.diameters.max())),
        training_data=(scenes, *([backgrounds] if arguments.backgrounds else [])),
        training={
            "steps": progress.step,
            "minutes": round(progress.seconds / 60, 1),
            "boxes": BOXES,
            "seed": arguments.seed,
            "bfloat16": arguments.bfloat16,
        },
        parent=fingerprint(model_path(GENERAL)),
        license="GPL-3.0-or-later",
    )
    return ModelCard(
        name=SCREENING,
        network=TrainedNetwork(ARCHITECTURE, NETWORK, KINDS, tile_size=SIDE, halo=0),
        input=InputParams(SceneSettings.diameter),
        provenance=provenance,
        task=SCREENING,
    )


if __name__ == "__main__":
    main()
