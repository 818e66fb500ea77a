# SPDX-License-Identifier: GPL-3.0-or-later
"""What the CRF does to masks and picks: solver x feature x strength.

    OMP_NUM_THREADS=1 python benchmarks/crf_table.py --maps MAPS --data DATA --work runs/crf

Three sets of labels: simulated micrographs with exact masks (molecules that the general model
never saw), and real beta-galactosidase twice: discs of 191 Å around expert picks, whose outline
is a convention, and footprints of a reconstruction in the particles' poses. MAPS holds atomic
models and densities, DATA `empiar10017/`. Every second micrograph is for the search of
`cryosegment crf tune`; the table is made on the others. Boundary F1 at 2 px of the working
image, particle F1 at 0.25 diameter and the card's threshold, seconds of one core for one
micrograph, the feature included.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE
from scoring import run

from cryosegment.core.crf import crf_features, refine_logits
from cryosegment.core.crf.calibration import calibrate_temperature
from cryosegment.core.evaluation.boundaries import BoundaryCounts
from cryosegment.core.evaluation.matching import match
from cryosegment.core.evaluation.pixels import PixelCounts
from cryosegment.core.labels.labelled import LabelledImage, read_labels
from cryosegment.core.models.features import predict_features
from cryosegment.core.models.inference import picking_maps, predict_logits
from cryosegment.core.models.model import Model, load_model
from cryosegment.core.networks import HEADS
from cryosegment.core.picking import find_candidates
from cryosegment.core.tuning.crf_model import segmented_image
from cryosegment.core.tuning.crf_search import Score, SegmentedImage, score_crf, tune_crf
from cryosegment.exchange.params import CRF_PRESETS, FEATURES, CrfParams
from cryosegment.exchange.parts import SOLVERS
from cryosegment.exchange.progress import no_progress

MOLECULES = ("5a1a", "6vxx", "1wcm")
SIMULATION = "--count 2 --size 2048 2048 --pixel-size 3 --snr 0.02 --ice-blobs 3 --carbon 0.5"
TOLERANCE = 0.25
SUM = replace(CRF_PRESETS["logits"], appearance=("logits:1:10:2", "intensity:0.5:10:0.5"))
KERNELS = {
    **{name: CRF_PRESETS[name] for name in ("gaussian", *FEATURES)},
    "logits + intensity": SUM,
}
STRENGTHS = (0.3, 1.0, 3.0, 6.0)
SOLVER_FEATURES = ("gaussian", "logits", "network")
OTHER_THRESHOLDS = (0.3, 0.7)  # of the mask: what a CRF has to beat where masks are too large
SOFTER = {"entropic": 0.5}  # with 1 it is mean field


@dataclass(frozen=True)
class Case:
    """A micrograph of the table."""

    labelled: LabelledImage
    logits: torch.Tensor
    seen: SegmentedImage


@dataclass(frozen=True)
class Row:
    """Figures of a CRF on one set."""

    score: Score
    particle_f1: float
    seconds: float

    def cells(self) -> str:
        """As columns of the table."""
        figures = (self.score.pixels.iou, self.score.boundaries.f1, self.particle_f1)
        return " | ".join(f"{value:.4f}" for value in figures)


def main() -> None:
    """Make the labels, search, print the table."""
    torch.set_num_threads(1)
    arguments = parse_arguments()
    model = load_model(arguments.model, "cpu")
    folders = {
        "simulated": simulate(arguments),
        "10017 discs": [discs(arguments)],
        "10017 footprints": [footprints(arguments)],
    }
    cases = {name: read_cases(labels, model) for name, labels in folders.items()}
    with torch.inference_mode():
        searching = [case.seen for items in cases.values() for case in items[1::2]]
        temperature = calibrate(cases, searching)
        table = {name: items[::2] for name, items in cases.items()}
        print_header(table)
        for name, crf in rows():
            print_row(name, crf, table, model)
        for probability in OTHER_THRESHOLDS:
            shifted = {name: [at(case, probability) for case in c] for name, c in table.items()}
            print_row(f"- | none, mask where p > {probability} | -", None, shifted, model)
        best = tune_crf(searching, temperature, arguments.trials, 0, no_progress)
        if best.best.settings is not None:
            name = f"tuned: {best.best.settings.solver} | {describe(best.best.settings)} | -"
            print_row(name, best.best.settings, table, model)
        print(f"\nsearch of {arguments.trials}: gain {best.gain:+.4f} on held-out halves")


def parse_arguments() -> argparse.Namespace:
    """Options of the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="general")
    parser.add_argument("--micrographs", type=int, default=6, help="real ones, half for the search")
    parser.add_argument("--trials", type=int, default=60)
    return parser.parse_args()


def simulate(arguments: argparse.Namespace) -> list[Path]:
    """Labels folders of simulated micrographs; those made before are kept."""
    folders = []
    for molecule in MOLECULES:
        output = arguments.work / molecule
        if not (output / "truth/labels.json").exists():
            file = next(arguments.maps.rglob(f"{molecule}.*"))
            options = ["--molecule", str(file), "--seed", "11", "--output", str(output)]
            run("simulate", *SIMULATION.split(), *options)
        folders.append(output / "truth")
    return folders


def discs(arguments: argparse.Namespace) -> Path:
    """Labels folder of real micrographs with a disc for every expert pick."""
    source = ["--coordinates", str(arguments.data / "empiar10017/coordinates")]
    return label("coordinates", [*source, "--diameter", str(REAL_DIAMETER)], arguments)


def footprints(arguments: argparse.Namespace) -> Path:
    """Labels folder of the same with the projection of the reconstruction for every pick."""
    poses = arguments.data / "empiar10017/poses_relion31.star"
    density = next(arguments.maps.rglob("betaGal.mrc*"))
    options = ["--particles", str(poses), "--map", str(density), "--y-up"]
    return label("reconstruction", options, arguments)


def label(kind: str, options: list[str], arguments: argparse.Namespace) -> Path:
    """Labels folder of the real micrographs; one made before is kept."""
    output: Path = arguments.work / kind
    if not (output / "labels.json").exists():
        micrographs = sorted((arguments.data / "empiar10017/micrographs").glob("*.jpg"))
        files = map(str, micrographs[: arguments.micrographs])
        sizes = ["--pixel-size", str(REAL_PIXEL_SIZE), "--output", str(output)]
        run("labels", kind, *files, *options, *sizes)
    return output


def read_cases(folders: list[Path], model: Model) -> list[Case]:
    """What the model says of the labelled micrographs."""
    card, cases = model.card, []
    for labelled in read_labels(folders, card.input, no_progress):
        logits = predict_logits(
            model.network, labelled.working.image, card.network.tile_size, card.network.halo
        )
        cases.append(Case(labelled, logits, segmented_image(labelled, model)))
    return cases


def at(case: Case, probability: float) -> Case:
    """The same case whose mask is cut at another probability than a half."""
    shift = math.log(probability / (1 - probability))
    return replace(case, seen=replace(case.seen, logits=case.seen.logits - shift))


def calibrate(cases: dict[str, list[Case]], searching: list[SegmentedImage]) -> float:
    """Temperature over the micrographs of the search; printed for each set as well."""
    for name, items in [*cases.items(), ("all", None)]:
        seen = searching if items is None else [case.seen for case in items[1::2]]
        parts = [[getattr(image, part) for image in seen] for part in ("logits", "mask", "known")]
        temperature = calibrate_temperature(*parts)
        print(f"temperature of {name}: {temperature:.2f}")
    return round(temperature, 3)


def rows() -> Iterator[tuple[str, CrfParams | None]]:
    """Every line of the table."""
    yield "- | none | -", None
    for name, crf in KERNELS.items():
        for strength in STRENGTHS:
            yield f"mean-field | {name} | {strength:g}", crf.stronger(strength)
    for solver in list(SOLVERS)[1:]:
        for name in SOLVER_FEATURES:
            for strength in (1.0, 3.0):
                crf = replace(KERNELS[name].stronger(strength), solver=solver)
                crf = replace(crf, regularization=SOFTER.get(solver, 1.0))
                yield f"{solver} | {name} | {strength:g}", crf


def describe(crf: CrfParams) -> str:
    """The kernels of a CRF, in a cell."""
    gaussian = f"gaussian:{crf.gaussian_weight:g}:{crf.gaussian_sigma:g}"
    return " + ".join([gaussian, *crf.appearance])


def print_header(table: dict[str, list[Case]]) -> None:
    """Names of the sets and of the columns."""
    counts = ", ".join(f"{name}: {len(items)}" for name, items in table.items())
    print(f"micrographs in the table: {counts}\n")
    columns = [f"{name}: IoU | boundary F1 | particle F1" for name in table]
    print(f"| solver | feature | strength | {' | '.join(columns)} | s |")
    print("|---" * (4 + 3 * len(table)) + "|")


def print_row(name: str, crf: CrfParams | None, table: dict[str, list[Case]], model: Model) -> None:
    """One line of the table."""
    rows = [measure(crf, items, model) for items in table.values()]
    seconds = sum(row.seconds for row in rows) / len(rows)
    cells = " | ".join(row.cells() for row in rows)
    print(f"| {name} | {cells} | {seconds:.2f} |", flush=True)


def measure(crf: CrfParams | None, cases: list[Case], model: Model) -> Row:
    """Figures of a CRF over some micrographs."""
    score = Score(PixelCounts(), BoundaryCounts())
    hits = picks = particles = 0
    seconds = 0.0
    for case in cases:
        score += score_crf(case.seen, crf)
        logits, spent = refined(crf, case, model)
        seconds += spent
        labelled = case.labelled
        maps = picking_maps(logits, labelled.working.valid)
        found = find_candidates(maps, labelled.diameter)
        centers = found.centers_yx[found.scores >= model.card.use.threshold].numpy()
        reference = labelled.centers_yx.numpy()
        hits += len(match(centers, reference, TOLERANCE * labelled.diameter))
        picks, particles = picks + len(centers), particles + len(reference)
    return Row(score, 2 * hits / max(picks + particles, 1), seconds / len(cases))


def refined(crf: CrfParams | None, case: Case, model: Model) -> tuple[torch.Tensor, float]:
    """Logits of all heads with the CRF, and its seconds with its features."""
    if crf is None:
        return case.logits, 0.0
    channel, card, image = HEADS.index("particle"), model.card, case.labelled.working.image
    particle, maps = case.logits[channel], None
    start = time.perf_counter()
    if "network" in crf.features():
        maps = predict_features(model.network, image, card.network.tile_size, card.network.halo)
    features = crf_features(crf, particle, image, maps)
    result = refine_logits(particle, features, crf, case.labelled.working.valid)
    seconds = time.perf_counter() - start
    logits = case.logits.clone()
    logits[channel] = result
    return logits, seconds


if __name__ == "__main__":
    main()
