# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the general model that ships with the package, on simulated scenes.

    python scripts/train_general.py --maps MAPS --work runs/general --minutes 60

MAPS holds atomic models (PDB, mmCIF) and density maps (MRC), in any subfolders. Molecules named
in HELD_OUT are never shown: they are for the figures in docs/benchmarks.md. A run that was
interrupted goes on when it is called again.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from cryosegment import __version__
from cryosegment.core.checkpoint import save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.core.simulation.bank import (
    PIXELS_PER_DIAMETER,
    ProjectionBank,
    build_bank,
    read_bank,
)
from cryosegment.core.simulation.molecule import (
    MAP_SUFFIXES,
    MODEL_SUFFIXES,
    Molecule,
    read_molecule,
)
from cryosegment.core.simulation.scenes import SceneSettings
from cryosegment.core.simulation.shapes import random_molecule
from cryosegment.core.training.fit import FitSettings, fit
from cryosegment.core.training.scene_batches import (
    CALIBRATION_STREAM,
    SceneBatches,
    SceneValidation,
    calibrate_on_scenes,
)
from cryosegment.core.training.state import Progress
from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.params import DEFAULT_PRESET

HELD_OUT = ("5a1a", "betaGal", "1f4a", "6vxx", "6vyb", "1wcm")
"""Beta-galactosidase in three files, the SARS-CoV-2 spike in two, RNA polymerase II."""
SKIPPED = ("4v94",)  # two molecules in one map
PROCEDURAL = 40
UNSEEN = 20
VIEWS = 160
WIDTHS = (32, 64, 128, 256)
DEEP_BLOCKS = 3


def main() -> None:
    """Build or read the bank, train, write the model."""
    arguments = parse_arguments()
    bank = load_bank(arguments.maps, arguments.work, arguments.seed)
    settings = SceneSettings()
    torch.manual_seed(arguments.seed)
    network = build_network("compact", widths=WIDTHS, deep_blocks=DEEP_BLOCKS)
    fit_settings = FitSettings(
        steps=arguments.steps,
        minutes=arguments.minutes,
        learning_rate=2e-3,
        validations=12,
        averaging=0.999,
        workers=arguments.workers,
        device=arguments.device,
    )
    batches = SceneBatches(bank, settings, arguments.batch, arguments.seed)
    validation = SceneValidation(bank, settings, arguments.seed)
    with tqdm(total=100.0, unit="%") as bar:

        def report(progress: Progress, share: float) -> None:
            """Show the step and the last validation's score."""
            last = progress.history[-1]
            bar.set_postfix(step=progress.step, f1=f"{last['score']:.3f}", refresh=False)
            bar.update(100 * share - bar.n)

        state = arguments.work / "state.safetensors"
        best, progress = fit(network, batches, validation, fit_settings, state, report)
    card = describe(bank, settings, progress, arguments)
    banks = (bank, unseen_bank(arguments.seed))
    card = replace(card, calibration=calibrate_on_scenes(best, banks, settings, arguments.seed))
    save_checkpoint(arguments.output, best, card)
    for row in progress.history:
        print({name: round(value, 4) for name, value in row.items()})


def parse_arguments() -> argparse.Namespace:
    """Options of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True, help="folder of molecules")
    parser.add_argument("--work", type=Path, required=True, help="bank and state of the training")
    parser.add_argument(
        "--output", type=Path, default=Path("cryosegment/models/general.safetensors")
    )
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--batch", type=int, default=4, help="scenes of 256 x 256 px in a step")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def load_bank(maps: Path, work: Path, seed: int) -> ProjectionBank:
    """The bank of an earlier run, or a new one."""
    path = work / "bank.safetensors"
    if not path.exists():
        random = np.random.default_rng(seed)
        molecules = list(tqdm(read_molecules(maps), desc="molecules"))
        molecules += [random_molecule(PIXELS_PER_DIAMETER, random) for _ in range(PROCEDURAL)]
        generator = torch.Generator().manual_seed(seed)
        build_bank(molecules, VIEWS, generator).save(path)
    return read_bank(path)


def unseen_bank(seed: int) -> ProjectionBank:
    """Molecules that no training sees, for the calibration of the scores."""
    random = np.random.default_rng((seed, CALIBRATION_STREAM))
    molecules = [random_molecule(PIXELS_PER_DIAMETER, random) for _ in range(UNSEEN)]
    return build_bank(molecules, VIEWS, torch.Generator().manual_seed(seed))


def read_molecules(maps: Path) -> Iterator[Molecule]:
    """Every molecule of the folder at the bank's scale, but those held out."""
    for path in sorted(maps.rglob("*")):
        is_molecule = {*MAP_SUFFIXES, *MODEL_SUFFIXES} & set(path.suffixes)
        if is_molecule and not any(name in path.name for name in (*HELD_OUT, *SKIPPED)):
            yield at_bank_scale(path)


def at_bank_scale(path: Path) -> Molecule:
    """A molecule sampled so that its diameter is `PIXELS_PER_DIAMETER`."""
    coarse = read_molecule(path, 8.0)
    return read_molecule(path, coarse.diameter / PIXELS_PER_DIAMETER)


def describe(
    bank: ProjectionBank, settings: SceneSettings, progress: Progress, arguments: argparse.Namespace
) -> ModelCard:
    """The card of the trained model."""
    known = len(bank.diameters) - PROCEDURAL
    return ModelCard(
        name="general",
        architecture="compact",
        architecture_args={"widths": list(WIDTHS), "deep_blocks": DEEP_BLOCKS},
        pixels_per_diameter=settings.diameter,
        classes=HEADS,
        threshold=round(progress.best_threshold, 3),
        crf={"preset": DEFAULT_PRESET},
        particle_diameters=(float(bank.diameters.min()), float(bank.diameters.max())),
        training_data=(
            {
                "id": "simulated scenes",
                "molecules": known,
                "procedural": PROCEDURAL,
                "scenes": progress.step * arguments.batch,
                "held_out": list(HELD_OUT),
            },
        ),
        label_source="simulation",
        training={
            "steps": progress.step,
            "minutes": round(progress.seconds / 60, 1),
            "batch": arguments.batch,
            "seed": arguments.seed,
            "scenes": asdict(settings),
        },
        metrics=(
            {
                "data": "simulated scenes",
                "metric": "F1 at 0.25 diameter",
                "value": round(progress.best_score, 4),
                "threshold": progress.best_threshold,
            },
        ),
        software={"cryosegment": __version__, "torch": torch.__version__},
        date=datetime.date.today().isoformat(),
        license="GPL-3.0-or-later",
    )


if __name__ == "__main__":
    main()
