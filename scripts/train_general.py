# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the general model that ships with the package, on simulated scenes.

    python scripts/train_general.py --maps MAPS --work runs/general --minutes 60

MAPS holds atomic models (PDB, mmCIF) and density maps (MRC), in any subfolders. Molecules named in
HELD_OUT are never shown: they are for the figures in docs/benchmarks.md. A run that was
interrupted goes on when it is called again, with more minutes or steps too, and with other scenes:
the card lists which scenes were drawn from which step on. With --backgrounds some of the scenes
lie on real micrographs without particles: those that `backgrounds.py` names, in any subfolders.
What is written is the average at the end. With --snapshot it trains no more and writes the best
network so far, also while another run is training.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from backgrounds import SOURCES, TEXTURES, read_textures
from tqdm import tqdm

from cryosegment import __version__
from cryosegment.core import simulation
from cryosegment.core.models.checkpoint import save_checkpoint
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
from cryosegment.core.training.data.scenes import (
    CALIBRATION_STREAM,
    SceneBatches,
    SceneValidation,
    calibrate_on_scenes,
)
from cryosegment.core.training.fit.loop import fit
from cryosegment.core.training.fit.schedule import STEADY_END
from cryosegment.core.training.fit.settings import FitSettings
from cryosegment.core.training.fit.state import (
    TrainingProgress,
    load_average,
    relabel_state,
)
from cryosegment.core.training.losses.picking import PickingLoss
from cryosegment.core.training.validation import THRESHOLD
from cryosegment.exchange.card import Facts, ModelCard, Provenance, TrainedNetwork, Use
from cryosegment.exchange.files import write_text
from cryosegment.exchange.params import CRF_PRESETS, InputParams
from cryosegment.exchange.params.networks import BATCH_NORM

HELD_OUT = ("5a1a", "betaGal", "1f4a", "6vxx", "6vyb", "1wcm", "1e6v")
"""Beta-galactosidase in three files, the SARS-CoV-2 spike in two, RNA polymerase II, and
methyl-coenzyme M reductase."""
SKIPPED = ("4v94",)  # two molecules in one map
PROCEDURAL = 80
UNSEEN = 20
VIEWS = 160
CRF = CRF_PRESETS["gaussian"].stronger(0.3)
"""Masks fit best with this or with none (docs/benchmarks/picking.md); stronger ones make them too
small."""
NETWORK: Facts = {
    "widths": [32, 64, 128, 256],
    "deep_blocks": 3,
    "normalization": BATCH_NORM,
}


def main() -> None:
    """Build or read the bank, train, write the model."""
    arguments = parse_arguments()
    bank = load_bank(arguments.maps, arguments.work, arguments.seed)
    settings = SceneSettings()
    state = arguments.work / "state.safetensors"
    phases = read_phases(arguments, state, settings)
    torch.manual_seed(arguments.seed)
    network = build_network("compact", **NETWORK)
    fit_settings = settings_of_fit(arguments, phases[-1]["fingerprint"])
    textures = read_textures(arguments.backgrounds) if arguments.backgrounds else ()
    batches = SceneBatches(bank, settings, arguments.batch, arguments.seed, textures)
    validation = SceneValidation(bank, settings, arguments.seed)
    with tqdm(total=100.0, unit="%") as bar:

        def report(progress: TrainingProgress, share: float) -> None:
            """Show the step and the last validation's score."""
            last = progress.history[-1]
            bar.set_postfix(step=progress.step, f1=f"{last['score']:.3f}", refresh=False)
            bar.update(100 * share - bar.n)

        trained, progress = fit(network, batches, validation, fit_settings, state, report)
    noted = {"score": progress.best_score, **progress.best}
    if not arguments.snapshot:  # at the end of a steady training the average is as good as any
        load_average(state, trained)
        noted = progress.history[-1]
    card = describe(bank, phases, progress, noted, arguments)
    banks = (bank, unseen_bank(arguments.seed))
    calibration = calibrate_on_scenes(trained, banks, settings, arguments.seed)
    card = replace(card, use=replace(card.use, calibration=calibration))
    save_checkpoint(arguments.output, trained, card)
    for row in progress.history:
        print({name: round(value, 4) for name, value in row.items()})


def settings_of_fit(arguments: argparse.Namespace, labels: str) -> FitSettings:
    """How the network is fitted to scenes with the fingerprint `labels`."""
    return FitSettings(
        loss=PickingLoss(),
        steps=1 if arguments.snapshot else arguments.steps,
        minutes=arguments.minutes,
        learning_rate=2e-3,
        schedule="steady",
        validations=arguments.validations,
        averaging=0.999,
        moving_statistics=STEADY_END,
        bfloat16=arguments.bfloat16,
        workers=arguments.workers,
        device=arguments.device,
        labels=labels,
    )


def parse_arguments() -> argparse.Namespace:
    """Options of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True, help="folder of molecules")
    parser.add_argument("--work", type=Path, required=True, help="bank and state of the training")
    parser.add_argument(
        "--output", type=Path, default=Path("cryosegment/models/general.safetensors")
    )
    parser.add_argument("--backgrounds", type=Path, help="folder of real micrographs")
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--snapshot", action="store_true", help="write what there is")
    parser.add_argument("--batch", type=int, default=4, help="scenes of 256 x 256 px in a step")
    parser.add_argument("--validations", type=int, default=80, help="how often the state is saved")
    parser.add_argument(
        "--bfloat16", action="store_true", help="if the CPU has instructions for it"
    )
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def read_phases(arguments: argparse.Namespace, state: Path, settings: SceneSettings) -> list[Facts]:
    """Which scenes the training draws from which step on; the last are those of today."""
    path = arguments.work / "phases.json"
    phases: list[Facts] = json.loads(path.read_text()) if path.exists() else []
    fingerprint = fingerprint_of_scenes(settings)
    if not arguments.snapshot and (not phases or phases[-1]["fingerprint"] != fingerprint):
        first = relabel_state(state, fingerprint) if state.exists() else 0
        phases.append({"step": first, "scenes": asdict(settings), "fingerprint": fingerprint})
        write_text(path, json.dumps(phases, indent=1))
    return phases


def fingerprint_of_scenes(settings: SceneSettings) -> str:
    """Start of the SHA-256 of the code that draws scenes, and of its settings."""
    files = sorted(Path(simulation.__path__[0]).glob("*.py"))
    text = "".join(file.read_text() for file in files) + json.dumps(asdict(settings))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


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


def read_molecules(
    maps: Path, pixels_per_diameter: float = PIXELS_PER_DIAMETER
) -> Iterator[Molecule]:
    """Every molecule of the folder but those held out, usually at the bank's scale."""
    for path in sorted(maps.rglob("*")):
        is_molecule = {*MAP_SUFFIXES, *MODEL_SUFFIXES} & set(path.suffixes)
        if is_molecule and not any(name in path.name for name in (*HELD_OUT, *SKIPPED)):
            coarse = read_molecule(path, 8.0)
            yield read_molecule(path, coarse.diameter / pixels_per_diameter)


def data_of(
    bank: ProjectionBank, progress: TrainingProgress, arguments: argparse.Namespace
) -> tuple[Facts, ...]:
    """What the model was trained on."""
    scenes = {
        "id": "simulated scenes",
        "molecules": len(bank.diameters) - PROCEDURAL,
        "procedural": PROCEDURAL,
        "scenes": progress.step * arguments.batch,
        "held_out": list(HELD_OUT),
    }
    backgrounds = {"id": "backgrounds of real micrographs", "files": TEXTURES, "sources": SOURCES}
    return (scenes, backgrounds) if arguments.backgrounds else (scenes,)


def describe(
    bank: ProjectionBank,
    phases: list[Facts],
    progress: TrainingProgress,
    noted: dict[str, float],
    arguments: argparse.Namespace,
) -> ModelCard:
    """The card of the trained model, of which `noted` has the score and its threshold."""
    threshold = noted[THRESHOLD]
    provenance = Provenance(
        particle_diameters=(float(bank.diameters.min()), float(bank.diameters.max())),
        training_data=data_of(bank, progress, arguments),
        label_source="simulation",
        training={
            "steps": progress.step,
            "minutes": round(progress.seconds / 60, 1),
            "batch": arguments.batch,
            "seed": arguments.seed,
            "bfloat16": arguments.bfloat16,
            "phases": phases,
        },
        metrics=(
            {
                "data": "simulated scenes",
                "metric": "F1 at 0.25 diameter",
                "value": round(noted["score"], 4),
                "threshold": threshold,
            },
        ),
        software={"cryosegment": __version__, "torch": torch.__version__},
        date=datetime.date.today().isoformat(),
        license="GPL-3.0-or-later",
    )
    return ModelCard(
        name="general",
        network=TrainedNetwork("compact", NETWORK, HEADS),
        input=InputParams(SceneSettings.diameter),
        use=Use(round(threshold, 3), crf=CRF),
        provenance=provenance,
    )


if __name__ == "__main__":
    main()
