# SPDX-License-Identifier: GPL-3.0-or-later
"""What a second look at picks is worth: those of our picker, RELION, Topaz, crYOLO, DeepPicker.

    OMP_NUM_THREADS=1 python benchmarks/screening.py --data DATA --peers runs/peers \
        --work runs/screening [--sets 1wcm_0.05_dirty ...] [--model screening]

DATA holds `empiar10017/` with the experts' picks and `other_pickers/`; runs/peers is what
`benchmarks/peers.py` has left: simulated sets, and the candidates of each picker in them. All
candidates are screened. Before, picks are those at the picker's own threshold; after, those that
`auto` keeps. Average precision is over all candidates, ranked by the picker's score, by the box
alone, and by the probability of both. On EMPIAR-10017 the share of particle-like picks, in the
sense of `particle_likeness.py`, is told of those that are kept and of those that are dropped.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from micrograph_sets import (
    REAL_PIXEL_SIZE,
    SIMULATION,
    MicrographSet,
    read_empiar10017,
    read_simulation,
)
from particle_likeness import (
    BACKGROUND_SHARE,
    at_places,
    best_correlation,
    kinds_of_places,
    projections,
)
from peers import TOPAZ_THRESHOLD
from scoring import Sets, only, run

from cryosegment.core.evaluation.metrics import ParticleMetrics, evaluate
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.pick_folder import COORDINATES
from cryosegment.exchange.relion import CENTER, PROBABILITY, SCREENED
from cryosegment.exchange.screen_folder import DROPPED, ScreenFolder
from cryosegment.exchange.star import read_star

HEADER = (
    "| picks | candidates | P | R | F1 | P kept | R kept | F1 kept | AP | AP box | AP both |\n"
    + "|---" * 11
    + "|"
)


@dataclass(frozen=True)
class Given:
    """The picks of a picker in a set.

    Parameters
    ----------
    name
        Of the row.
    some
        The set.
    path
        File or folder of all candidates.
    chosen
        Those at the picker's own threshold.
    """

    name: str
    some: MicrographSet
    path: Path
    chosen: Sets


def main() -> None:
    """Screen, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=["1wcm_0.05_dirty"])
    parser.add_argument("--model", default="screening")
    arguments = parser.parse_args()
    print(HEADER)
    for name in arguments.sets:
        some = read_simulation(arguments.peers / name / SIMULATION)
        for given in of_peers(replace(some, folder=name), arguments.peers / "picks"):
            print_row(given, screened(given, arguments))
    real, likeness = list(of_others(arguments.data / "empiar10017")), []
    for given in real:
        found = screened(given, arguments)
        print_row(given, found)
        likeness.append((given, found))
    print_likeness(arguments.data, likeness)


def of_peers(some: MicrographSet, folder: Path) -> Iterator[Given]:
    """Picks that `peers.py` has left of a simulated set."""
    ours, log = folder / "ours" / some.folder, folder / "relion-log" / some.folder
    topaz = folder / "topaz" / some.folder / "picks.txt"
    known = {
        "ours": (ours / "candidates", ours / "coordinates"),
        "relion-log": (log / "candidates" / "images", log / "chosen" / "images"),
        "topaz": (topaz, topaz),
    }
    for name, (candidates, chosen) in known.items():
        if candidates.exists():
            picks = read_coordinates(chosen, some.pixel_size)
            if name == "topaz":
                picks = {k: own.select(own.scores >= TOPAZ_THRESHOLD) for k, own in picks.items()}
            yield Given(f"{some.folder}: {name}", some, candidates, picks)


def of_others(folder: Path) -> Iterator[Given]:
    """The picks of others on some micrographs of EMPIAR-10017, all of which are chosen."""
    some = read_empiar10017(folder)
    for path in sorted((folder / "other_pickers").iterdir()):
        picks = read_coordinates(path, REAL_PIXEL_SIZE)
        own = replace(
            some,
            micrographs=[file for file in some.micrographs if file.stem in picks],
            reference=only(some.reference, set(picks)),
        )
        yield Given(f"EMPIAR-10017: {path.name}", own, path, picks)


@dataclass(frozen=True)
class Found:
    """Picks after screening: by box and score, by box alone, and those that are kept."""

    both: Sets
    boxes: Sets
    kept: Sets


def screened(given: Given, arguments: argparse.Namespace) -> Found:
    """The picks of a picker, screened."""
    some, output = given.some, arguments.work / given.name.replace(": ", "_")
    own = ["--picks", str(given.path), "--diameter", str(some.diameter)]
    own += ["--pixel-size", str(some.pixel_size), "--model", arguments.model]
    run("screen", "apply", *map(str, some.micrographs), *own, "--output", str(output))
    kept, dropped = (
        read_scored(output, kind, some, PROBABILITY) for kind in (COORDINATES, DROPPED)
    )
    boxes, others = (read_scored(output, kind, some, SCREENED) for kind in (COORDINATES, DROPPED))
    return Found(joined(kept, dropped), joined(boxes, others), kept)


def read_scored(output: Path, kind: str, some: MicrographSet, column: str) -> Sets:
    """Picks of an output folder, whose scores stand in a column of screening."""
    found = {}
    for path in some.micrographs:
        (block,) = read_star(ScreenFolder(output).file(kind, path.stem)).values()
        numbers, _ = block.read(numbers=(*CENTER, column))
        centers = np.stack([numbers[name] for name in CENTER], axis=1)
        found[path.stem] = Coordinates(centers, some.pixel_size, path.stem, numbers[column])
    return found


def joined(these: Sets, those: Sets) -> Sets:
    """Two parts of the picks of each micrograph as one."""
    return {
        name: Coordinates(
            np.concatenate((own.centers_yx, those[name].centers_yx)),
            own.pixel_size,
            name,
            np.concatenate((own.scores, those[name].scores)),
        )
        for name, own in these.items()
    }


def print_row(given: Given, found: Found) -> None:
    """One line of the table."""

    def judged(picks: Sets) -> ParticleMetrics:
        return evaluate(picks, given.some.reference, given.some.diameter).overall

    before, after = judged(given.chosen), judged(found.kept)
    ranked = read_coordinates(given.path, given.some.pixel_size)
    figures = [
        *(before.precision, before.recall, before.f1),
        *(after.precision, after.recall, after.f1),
        *(judged(picks).average_precision for picks in (ranked, found.boxes, found.both)),
    ]
    cells = " | ".join(f"{value:.3f}" for value in figures)
    total = sum(map(len, ranked.values()))
    print(f"| {given.name} | {total} | {cells} |", flush=True)


def print_likeness(data: Path, results: list[tuple[Given, Found]]) -> None:
    """The share of particle-like picks among those that are kept, and among the others."""
    folder = data / "empiar10017"
    experts = read_coordinates(folder / "coordinates", REAL_PIXEL_SIZE)
    templates = projections(data / "maps" / "densities" / "betaGal.mrc.gz")
    names = sorted({name for given, _ in results for name in given.chosen})
    pickers = {given.name: given.chosen for given, _ in results}
    found: dict[str, list[Float[np.ndarray, " n"]]] = {}
    for name in names:
        scores = best_correlation(folder / "micrographs" / f"{name}.jpg", templates)
        places = {"background": kinds_of_places(name, experts, pickers)["random background"]}
        for given, screening in results:
            if name not in screening.kept:
                continue
            kept = {tuple(center) for center in screening.kept[name].centers_yx}
            everything = screening.both[name].centers_yx
            is_kept = np.array([tuple(center) in kept for center in everything], bool)
            places[f"{given.name}, kept"] = everything[is_kept]
            places[f"{given.name}, dropped"] = everything[~is_kept]
        for kind, centers in places.items():
            found.setdefault(kind, []).append(at_places(scores, centers))
    correlations = {kind: np.concatenate(values) for kind, values in found.items()}
    level = np.quantile(correlations.pop("background"), BACKGROUND_SHARE)
    print("\n| picks | number | particle-like |\n|---|---|---|")
    for kind, values in correlations.items():
        print(f"| {kind} | {len(values)} | {np.mean(values > level):.3f} |")


if __name__ == "__main__":
    main()
