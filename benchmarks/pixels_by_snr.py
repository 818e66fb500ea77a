# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlap of masks with the exact ones, from clear to very noisy micrographs.

    OMP_NUM_THREADS=1 python benchmarks/pixels_by_snr.py --maps DATA/maps --work runs/by_snr \
        --figure docs/iou_by_snr.png

PIXER (BMC Bioinformatics 2019, figure 9c) shows such a curve, over 10 log10 of the power of the
clean micrograph over that of the noise (dB). Simulated micrographs of molecules that the shipped
model has not seen, 300 particles, ice and carbon; intersection over union of all particle pixels.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import matplotlib.pyplot as plt
from micrograph_sets import SIMULATION, Scene, simulated
from scoring import count_masks, run

from cryosegment.exchange.labels import read_labels_index

MOLECULES = ("6vxx", "1wcm", "5a1a")
SNRS = (0.3, 0.1, 0.03, 0.01, 0.005, 0.0025)
CRFS = ("auto", "none")


def main() -> None:
    """Print a row for each SNR, and draw the curves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="general")
    parser.add_argument("--figure", type=Path, required=True)
    arguments = parser.parse_args()
    curves: dict[tuple[str, str], list[float]] = {}
    for molecule in MOLECULES:
        scenes = tuple(Scene(molecule, snr) for snr in SNRS)
        for some in simulated(scenes, arguments.maps, arguments.work, 1):
            entries = read_labels_index(arguments.work / some.folder / SIMULATION / "truth").entries
            for crf in CRFS:
                output = arguments.work / "picks" / crf / some.folder
                lengths = f"--diameter {some.diameter:.1f} --pixel-size {some.pixel_size}"
                options = f"{lengths} --masks --mask-scale micrograph --edge 0 --crf {crf}"
                options += f" --model {arguments.model}"
                files = [str(entry.micrograph) for entry in entries]
                run("pick", *files, *options.split(), "--output", str(output))
                curves.setdefault((molecule, crf), []).append(count_masks(entries, output).iou)
    print_table(curves)
    draw(curves, arguments.figure)


def decibels(snr: float) -> float:
    """A ratio of powers in dB."""
    return 10 * math.log10(snr)


def print_table(curves: dict[tuple[str, str], list[float]]) -> None:
    """A column for each curve."""
    names = [f"{molecule}, {'no' if crf == 'none' else 'with'} CRF" for molecule, crf in curves]
    print("| SNR | dB | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 2) + "|")
    for snr, *row in zip(SNRS, *curves.values(), strict=True):
        cells = " | ".join(f"{value:.3f}" for value in row)
        print(f"| {snr} | {decibels(snr):.1f} | {cells} |")


def draw(curves: dict[tuple[str, str], list[float]], figure: Path) -> None:
    """Overlap over dB."""
    canvas, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for (molecule, crf), values in curves.items():
        style = {"linestyle": "--" if crf == "none" else "-", "marker": "o", "markersize": 3}
        colour = f"C{MOLECULES.index(molecule)}"
        label = f"{molecule}{', no CRF' if crf == 'none' else ''}"
        axes.plot([decibels(snr) for snr in SNRS], values, color=colour, label=label, **style)
    axes.set(xlabel="SNR of the micrograph, dB", ylabel="IoU of particle pixels", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    canvas.savefig(figure, dpi=110)


if __name__ == "__main__":
    main()
