# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the model of particle images that ships with the package, on simulated boxes.

    python scripts/train_particles.py --maps MAPS --work runs/particles --minutes 60

MAPS holds atomic models and density maps, as for train_general.py, whose bank of projections this
takes where it finds it in the folder of the work; molecules that are held out there are held out
here. Training starts from the weights of the picking model. A run that was interrupted goes on when
it is called again, with more minutes too. With --snapshot it trains no more and writes the network
as it is, also while another run is training.
"""

from __future__ import annotations

import argparse
import datetime
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm
from train_general import HELD_OUT, NETWORK, PROCEDURAL, load_bank, read_molecules, unseen_bank

from cryosegment import __version__
from cryosegment.core.models.checkpoint import fingerprint, save_checkpoint
from cryosegment.core.models.model import load_model
from cryosegment.core.networks import HEADS, build_network
from cryosegment.core.particles.classes import PARTICLE_HEADS
from cryosegment.core.particles.extracted import USUAL_PX, usual_batches
from cryosegment.core.particles.losses import quality_loss
from cryosegment.core.particles.simulated import (
    INPUT,
    PER_SCENE,
    ParticleBatches,
    ParticleValidation,
    calibrate_quality,
    class_offsets,
)
from cryosegment.core.simulation.bank import ProjectionBank
from cryosegment.core.simulation.particle_images import ParticleSettings
from cryosegment.core.training.fit.loop import fit
from cryosegment.core.training.fit.settings import FitSettings
from cryosegment.core.training.fit.state import TrainingProgress, load_average
from cryosegment.exchange.card import (
    PARTICLE_IMAGES,
    ModelCard,
    Provenance,
    TrainedNetwork,
    Use,
)
from cryosegment.exchange.model_files import GENERAL, model_path


def main() -> None:
    """Build or read the bank, train, calibrate, write the model."""
    arguments = parse_arguments()
    bank = load_bank(arguments.maps, arguments.work, arguments.seed)
    settings = ParticleSettings()
    state = arguments.work / "particles.state.safetensors"
    torch.manual_seed(arguments.seed)
    network = start_from(arguments.start)
    fit_settings = FitSettings(
        loss=quality_loss,
        steps=1 if arguments.snapshot else None,
        minutes=arguments.minutes,
        learning_rate=1e-3,
        schedule="steady",
        validations=arguments.validations,
        averaging=0.998,
        moving_statistics=0.0,
        bfloat16=arguments.bfloat16,
        device=arguments.device,
    )
    batches = ParticleBatches(bank, settings, arguments.scenes, arguments.seed)
    validation = ParticleValidation(bank, settings, arguments.seed)
    with tqdm(total=100.0, unit="%") as bar:

        def report(progress: TrainingProgress, share: float) -> None:
            """Show the step and the last validation's figures."""
            last = progress.history[-1]
            bar.set_postfix(step=progress.step, iou=last["iou"], auc=last["auc"], refresh=False)
            bar.update(100 * share - bar.n)

        trained, progress = fit(network, batches, validation, fit_settings, state, report)
    load_average(state, trained)
    molecules = read_molecules(arguments.maps, USUAL_PX)
    boxes = usual_batches(tqdm(molecules, desc="molecules"), INPUT, arguments.seed)
    balance(trained, class_offsets(trained, boxes))
    unseen = unseen_bank(arguments.seed)
    calibration = calibrate_quality(trained, (bank, unseen), settings, arguments.seed)
    card = ModelCard(
        name="particles",
        network=TrainedNetwork("compact", NETWORK, PARTICLE_HEADS),
        input=INPUT,
        use=Use(calibration=calibration),
        provenance=describe(bank, settings, progress, arguments),
        task=PARTICLE_IMAGES,
    )
    save_checkpoint(arguments.output, trained, card)
    for row in progress.history:
        print({name: round(value, 4) for name, value in row.items()})


def parse_arguments() -> argparse.Namespace:
    """Options of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True, help="folder of molecules")
    parser.add_argument("--work", type=Path, required=True, help="bank and state of the training")
    parser.add_argument(
        "--output", type=Path, default=Path("cryosegment/models/particles.safetensors")
    )
    parser.add_argument("--start", default=GENERAL, help="picking model to start from")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--snapshot", action="store_true", help="write what there is")
    parser.add_argument("--scenes", type=int, default=3, help=f"{PER_SCENE} boxes each, in a step")
    parser.add_argument("--validations", type=int, default=30, help="how often the state is saved")
    parser.add_argument(
        "--bfloat16", action="store_true", help="if the CPU has instructions for it"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def start_from(model: str) -> nn.Module:
    """A network for particle images with the weights of a picking model.

    Its heads are close to those that are wanted: particle, edge, and centre for the quality.
    """
    network = build_network("compact", PARTICLE_HEADS, **NETWORK)
    weights = load_model(model, "cpu").network.state_dict()
    for name in ("head.weight", "head.bias"):
        heads = dict(zip(HEADS, weights[name].chunk(len(HEADS)), strict=True))
        particle = heads["particle"]
        weights[name] = torch.cat((particle, heads["edge"], -particle, heads["center"]))
    network.load_state_dict(weights)
    return network


def balance(network: nn.Module, offsets: torch.Tensor) -> None:
    """Add offsets to the logits of the classes, in place."""
    bias = network.get_parameter("head.bias")
    heads = bias.detach().reshape(len(PARTICLE_HEADS), -1)
    heads[: len(offsets)] += offsets[:, None]


def describe(
    bank: ProjectionBank,
    settings: ParticleSettings,
    progress: TrainingProgress,
    arguments: argparse.Namespace,
) -> Provenance:
    """Where the trained model comes from."""
    last = progress.history[-1]
    metrics = {"three-class mean IoU": "iou", "area under the ROC curve of the quality": "auc"}
    return Provenance(
        label_source="simulation",
        parent=fingerprint(model_path(arguments.start)),
        particle_diameters=(float(bank.diameters.min()), float(bank.diameters.max())),
        training_data=(
            {
                "id": "simulated particle images",
                "molecules": len(bank.diameters) - PROCEDURAL,
                "procedural": PROCEDURAL,
                "images": progress.step * arguments.scenes * PER_SCENE,
                "held_out": list(HELD_OUT),
            },
        ),
        training={
            "steps": progress.step,
            "minutes": round(progress.seconds / 60, 1),
            "images in a step": arguments.scenes * PER_SCENE,
            "seed": arguments.seed,
            "bfloat16": arguments.bfloat16,
            "settings": asdict(settings),
        },
        metrics=tuple(
            {"data": "simulated particle images", "metric": name, "value": round(last[key], 4)}
            for name, key in metrics.items()
        ),
        software={"cryosegment": __version__, "torch": torch.__version__},
        date=datetime.date.today().isoformat(),
        license="GPL-3.0-or-later",
    )


if __name__ == "__main__":
    main()
