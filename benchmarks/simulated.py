# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped model on simulated micrographs of molecules that its training never saw.

    python benchmarks/simulated.py --maps MAPS --work runs/simulated [--count 3] [--sets hard]

MAPS holds the atomic models. Each molecule is simulated with ice and carbon, at two signal-to-noise
ratios (variance of the clean micrograph over that of the noise, at full size); `hard` are smaller,
noisier, crowded, sparse and dirty ones, `numbers` from 5 to 400 particles on a micrograph. Scores
are F1 at 0.25 diameter, at the model's own threshold; "best" is chosen afterwards.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from micrograph_sets import SETS, simulated
from scoring import HEADER, pick, print_row


def main() -> None:
    """Simulate, pick, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--sets", choices=SETS, default="unseen")
    parser.add_argument("--model", default="general")
    parser.add_argument("--crf", default="auto")
    arguments = parser.parse_args()
    print(HEADER)
    for some in simulated(SETS[arguments.sets], arguments.maps, arguments.work, arguments.count):
        options = ["--diameter", str(some.diameter), "--crf", arguments.crf]
        output = arguments.work / "picks" / some.folder
        picks = pick(
            some.micrographs, output, some.pixel_size, [*options, "--model", arguments.model]
        )
        print_row(some.name, picks, some.reference, some.diameter)


if __name__ == "__main__":
    main()
