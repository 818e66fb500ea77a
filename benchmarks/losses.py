# SPDX-License-Identifier: GPL-3.0-or-later
"""Every loss of the particle map, with the network, micrographs and steps of `zoo.py`.

    OMP_NUM_THREADS=1 python benchmarks/losses.py --maps MAPS --work runs/zoo

With the work folder of `zoo.py`, its micrographs are not simulated again. A finished model is kept.
"""

from __future__ import annotations

from scoring import run
from zoo import TRAINING, parse_arguments, score, simulate_sets

from cryosegment.exchange.parts import LOSSES


def main() -> None:
    """Train, score, print the table."""
    arguments = parse_arguments(__doc__)
    labels, test = simulate_sets(arguments.maps, arguments.work)
    print("| loss | pixel IoU | F1 |\n|---|---|---|")
    for loss in LOSSES:
        model = arguments.work / f"loss_{loss}.safetensors"
        if not model.exists():
            options = [*TRAINING.split(), "--epochs", arguments.epochs, "--resume"]
            run("train", str(labels), "--output", str(model), "--loss", loss, *options)
        figures = score(model, test)
        print(f"| {loss} | {figures['pixel IoU']:.3f} | {figures['F1']:.3f} |", flush=True)


if __name__ == "__main__":
    main()
