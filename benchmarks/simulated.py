# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped model on simulated micrographs of molecules that its training never saw.

    python benchmarks/simulated.py --maps MAPS --work runs/simulated [--count 3]

MAPS holds the atomic models named in MOLECULES. Each molecule is simulated with ice and carbon,
at two signal-to-noise ratios (variance of the clean micrograph over that of the noise, at full
size). Scores are F1 at 0.25 diameter, at the model's own threshold; "best" is chosen afterwards.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from scoring import HEADER, pick, print_row, run

from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.labels import read_labels_index

MOLECULES = ("6vxx", "1wcm", "5a1a")
SNRS = (0.05, 0.01)
PIXEL_SIZE = 1.77
OPTIONS = "--size 4096 4096 --particles 300 --ice-blobs 6 --carbon 0.5 --ice-gradient 0.3"


def main() -> None:
    """Simulate, pick, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", default="3")
    parser.add_argument("--model", default="general")
    parser.add_argument("--crf", default="auto")
    arguments = parser.parse_args()
    print(HEADER)
    for molecule in MOLECULES:
        file = next(arguments.maps.rglob(f"{molecule}.*"))
        for snr in SNRS:
            score(file, snr, arguments)


def score(molecule: Path, snr: float, arguments: argparse.Namespace) -> None:
    """One line of the table."""
    folder = arguments.work / f"{molecule.name.split('.')[0]}_{snr}"
    truth = folder / "simulation" / "truth"
    if not (truth / "labels.json").exists():
        simulate = f"simulate {OPTIONS} --pixel-size {PIXEL_SIZE} --snr {snr} --seed 7".split()
        own = ["--count", arguments.count, "--molecule", str(molecule)]
        run(*simulate, *own, "--output", str(truth.parent))
    diameter = read_labels_index(truth).entries[0].diameter
    micrographs = sorted((truth.parent / "micrographs").glob("*.mrc"))
    options = ["--diameter", str(diameter), "--crf", arguments.crf, "--model", arguments.model]
    picks = pick(micrographs, folder / "picks", PIXEL_SIZE, options)
    reference = read_coordinates(truth / "coordinates", PIXEL_SIZE)
    label = f"{molecule.name.split('.')[0]}, {diameter:.0f} Å, SNR {snr}"
    print_row(label, picks, reference, diameter)


if __name__ == "__main__":
    main()
