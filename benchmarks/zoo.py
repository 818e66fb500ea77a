# SPDX-License-Identifier: GPL-3.0-or-later
"""Every network of the zoo, trained on the same simulated micrographs with the same steps.

    OMP_NUM_THREADS=1 python benchmarks/zoo.py --maps MAPS --work runs/zoo

The micrographs are of MOLECULE, a chaperonin whose silhouettes are nearly round. Eight, two of
them for validation, train each of TRAINED; four others score it: pixel IoU of the network's
particle map cut at a half, without a CRF, and particle F1 at the card's threshold. Seconds are
those of the processor for 512 x 512 px, the least of three runs. The other encoders are built and
timed, not trained. A finished row is kept in the work folder, so that an interrupted run goes on
where it was.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import torch
from scoring import run
from torch import nn

from cryosegment.core.evaluation.matching import match
from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels
from cryosegment.core.labels.labelled import read_labels
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.models.inference import picking_maps, predict_logits
from cryosegment.core.models.model import load_model
from cryosegment.core.networks import HEADS, build_network
from cryosegment.core.picking.centers import find_candidates
from cryosegment.core.tuning.thresholds import TOLERANCE
from cryosegment.exchange.card import ModelCard, TrainedNetwork
from cryosegment.exchange.files import write_text
from cryosegment.exchange.params import ENCODERS, OWN_ENCODED_NETWORKS, InputParams, TrainParams
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.training_settings import network_arguments

TRAINED = (
    ("compact", ""),
    ("unet", "resnet18"),
    ("fcn", "resnet18"),
    ("deeplabv3", "resnet18"),
    ("multi-atrous", ""),
    ("attention-unet", ""),
    ("unet++", "efficientnet-b0"),
    ("unet", "efficientnet-b0"),
    ("unet", "densenet121"),
    ("unet", "resnet50"),
    ("unet", "efficientnet-b5"),
)
MOLECULE = "polnet_10A_4v94"
SIMULATION = "--size 2048 2048 --pixel-size 3.5 --snr 0.1 --ice-blobs 4 --carbon 0.3"
TRAINING = "--validation 0.25 --batch 4 --seed 0 --gpu cpu"
STEPS_PER_EPOCH = 96
SIDE = 512
RUNS = 3
COLUMNS = ("M parameters", "MB", "CPU s", "GPU ms", "pixel IoU", "F1", "training CPU s")
Row = dict[str, float]


def main() -> None:
    """Train, measure, print the table."""
    arguments = parse_arguments(__doc__)
    others = [(n, e) for n in OWN_ENCODED_NETWORKS for e in ENCODERS if (n, e) not in TRAINED]
    print(f"| network | encoder | {' | '.join(COLUMNS)} |\n{'|---' * (len(COLUMNS) + 2)}|")
    for network, encoder in [*TRAINED, *others]:
        path = arguments.work / f"{network}_{encoder}".strip("_")
        row_path = path.with_suffix(".json")
        if not row_path.exists():
            row = measure(network, encoder, path)
            if (network, encoder) in TRAINED:
                row |= train(network, encoder, path, arguments)
            write_text(row_path, json.dumps(row))
        print_row(network, encoder, json.loads(row_path.read_text()))


def parse_arguments(description: str) -> argparse.Namespace:
    """Options of the script, which uses one thread."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", default="2", help=f"of {STEPS_PER_EPOCH} steps of four patches")
    return parser.parse_args()


def print_row(network: str, encoder: str, row: Row) -> None:
    """One line of the table."""
    figures = {"MB": 1, "pixel IoU": 3, "F1": 3, "training CPU s": 0}
    cells = [f"{row[name]:.{figures.get(name, 2)}f}" if name in row else "-" for name in COLUMNS]
    print(f"| {network} | {encoder or '-'} | {' | '.join(cells)} |", flush=True)


def measure(network: str, encoder: str, path: Path) -> Row:
    """What a network costs."""
    params = TrainParams(network=network, encoder=encoder or "auto")
    built = build_network(network, **network_arguments(params)).eval()
    built = built.to(memory_format=torch.channels_last)
    facts = TrainedNetwork(network, network_arguments(params), HEADS)
    card = ModelCard("fresh", facts, InputParams(20.0))
    fresh = path.with_suffix(".fresh")
    save_checkpoint(fresh, built, card)
    row = {
        "M parameters": sum(weight.numel() for weight in built.parameters()) / 1e6,
        "MB": fresh.stat().st_size / 1e6,
        "CPU s": seconds(built, "cpu"),
    }
    fresh.unlink()
    if torch.cuda.is_available():
        row["GPU ms"] = 1000 * seconds(built.cuda(), "cuda")
    return row


def seconds(network: nn.Module, device: str) -> float:
    """Least time for a square image after one to warm up: of the processor, or of the GPU."""
    image = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0)).to(device)
    times = []
    for _ in range(RUNS + 1):
        clock = time.process_time if device == "cpu" else time.perf_counter
        start = clock()
        predict_logits(network, image).cpu()
        times.append(clock() - start)
    return min(times[1:])


def train(network: str, encoder: str, path: Path, arguments: argparse.Namespace) -> Row:
    """What a network reaches."""
    labels, test = simulate_sets(arguments.maps, arguments.work)
    model = path.with_suffix(".safetensors")
    options = ["--network", network, *(["--encoder", encoder] if encoder else []), "--resume"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    training = [*TRAINING.split(), "--epochs", arguments.epochs]
    run("train", str(labels), "--output", str(model), *options, *training)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {**score(model, test), "training CPU s": after.ru_utime - before.ru_utime}


def simulate_sets(maps: Path, work: Path) -> tuple[Path, Path]:
    """Labels folders to train with and to score on."""
    molecule = next(maps.rglob(f"{MOLECULE}.*"))
    return simulate(molecule, work / "train", 8, 1), simulate(molecule, work / "test", 4, 2)


def simulate(molecule: Path, folder: Path, count: int, seed: int) -> Path:
    """Labels folder of simulated micrographs; one made before is kept."""
    if not (folder / "truth/labels.json").exists():
        own = [
            "--molecule",
            str(molecule),
            "--output",
            str(folder),
            "--count",
            str(count),
            "--seed",
            str(seed),
        ]
        run("simulate", *SIMULATION.split(), *own)
    return folder / "truth"


def score(path: Path, labels: Path) -> Row:
    """Pixel IoU and particle F1 of a model over the micrographs of a labels folder."""
    model = load_model(str(path), "cpu")
    facts = model.card.network
    images = read_labels([labels], model.card.input, no_progress)
    counts = PixelCounts()
    hits = found = 0
    for item in images:
        logits = predict_logits(model.network, item.working.image, facts.tile_size, facts.halo)
        particle = logits[HEADS.index("particle")] > 0
        counts += count_pixels(particle, item.particles > 0, item.known)
        candidates = find_candidates(picking_maps(logits, item.working.valid), item.diameter)
        centers = candidates.centers_yx[candidates.scores >= model.card.use.threshold].numpy()
        reference = item.centers_yx.numpy()
        hits += len(match(centers, reference, TOLERANCE * item.diameter))
        found += len(centers) + len(reference)
    return {"pixel IoU": counts.iou, "F1": 2 * hits / max(found, 1)}


if __name__ == "__main__":
    main()
