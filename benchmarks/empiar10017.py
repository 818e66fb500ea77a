# SPDX-License-Identifier: GPL-3.0-or-later
"""Real beta-galactosidase: the shipped model, fine-tuning on five micrographs, other pickers.

    python benchmarks/empiar10017.py --data DATA --work runs/empiar10017 [--minutes 10]

DATA holds `empiar10017/` with micrographs, expert coordinates and the picks of other programs.
The five training micrographs are the last five that no other program's picks exist for, so that
all are scored on the same ones. Scores are F1 at 0.25 diameter, at the threshold that the model
itself recommends; AP and "best F1" look at all candidates, the latter for comparison only.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE, read_empiar10017
from scoring import HEADER, Scored, only, pick, print_row, run

from cryosegment.exchange.coordinates import read_coordinates

PEERS = ("crYOLO", "topaz", "deepPicker")
LENGTHS = ["--diameter", str(REAL_DIAMETER)]


def main() -> None:
    """Pick, train, pick again; print the table."""
    parser = options_of(__doc__)
    parser.add_argument("--skip-training", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.data / "empiar10017"
    training, held_out = split(folder)
    peers = picked_by_others(folder)
    real = read_empiar10017(folder)
    options = [*LENGTHS, "--crf", arguments.crf]
    print(HEADER)
    zero_output = arguments.work / "zero_shot"
    model = ["--model", arguments.model]
    zero = pick(real.micrographs, zero_output, REAL_PIXEL_SIZE, [*options, *model])
    print_row("shipped model", zero, real.reference, REAL_DIAMETER)
    sets = {"shipped model": zero}
    if not arguments.skip_training:
        model = ["--model", fine_tune(training, folder / "coordinates", arguments.work, arguments)]
        output = arguments.work / "fine_tuned"
        sets["five micrographs"] = pick(held_out, output, REAL_PIXEL_SIZE, [*options, *model])
    for names in ({path.stem for path in held_out}, peers):
        for label, found in sets.items():
            print_row(label, found.only(names), only(real.reference, names), REAL_DIAMETER)
    for peer in PEERS:
        found = read_coordinates(folder / "other_pickers" / peer, REAL_PIXEL_SIZE)
        print_row(peer, Scored(found, found), only(real.reference, peers), REAL_DIAMETER)


def split(folder: Path) -> tuple[list[Path], list[Path]]:
    """The five micrographs to train on, and the other nine."""
    micrographs = read_empiar10017(folder).micrographs
    peers = picked_by_others(folder)
    training = [path for path in micrographs if path.stem not in peers][-5:]
    return training, [path for path in micrographs if path not in training]


def picked_by_others(folder: Path) -> set[str]:
    """Names of the micrographs that other programs have picked."""
    return {path.stem for path in (folder / "other_pickers/crYOLO").glob("*.star")}


def options_of(description: str) -> argparse.ArgumentParser:
    """Options of a script that trains and scores on this data set."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", default="10")
    parser.add_argument("--model", default="general")
    parser.add_argument("--crf", default="auto")
    return parser


def fine_tune(
    training: list[Path], coordinates: Path, work: Path, arguments: argparse.Namespace
) -> str:
    """File of a model trained on the coordinates of a few micrographs."""
    labels, model = work / "labels", work / "fine_tuned.safetensors"
    files = [str(path) for path in training]
    source = ["--coordinates", str(coordinates), *LENGTHS, "--pixel-size", str(REAL_PIXEL_SIZE)]
    run("labels", "coordinates", *files, *source, "--output", str(labels))
    start = ["--from", arguments.model, "--minutes", arguments.minutes]
    run("train", str(labels), "--output", str(model), *start)
    return str(model)


if __name__ == "__main__":
    main()
