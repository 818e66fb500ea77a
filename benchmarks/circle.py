# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole circle in one Scipion project: from picks to a map, to labels, to a model, to picks.

    OMP_NUM_THREADS=1 python benchmarks/circle.py --maps MAPS --work runs/circle --peers

MAPS holds the atomic models. Micrographs of a molecule that the shipped model has not seen are
simulated, with ice, carbon and broken particles; RELION 3.1.3 (Debian: `relion`) extracts,
classifies and refines. The particles that agree best with their map label the micrographs, a model
is trained on the labels, and picks again. Beside it stand the map of the true coordinates and, with
`--peers`, those of RELION's Laplacian of Gaussian (given the true diameter) and of Topaz' packaged
detector, by the same refinement. The resolution is that at which the Fourier shell correlation
(FSC) of the half maps falls below 0.143, and that with the known map below 0.5 (Rosenthal &
Henderson, 2003).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from cryosegment.scripting import prepare_scipion


def main() -> None:
    """Run the project, print what each set of picks gives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--molecule", default="5a1a")
    parser.add_argument("--symmetry", default="D2")
    parser.add_argument("--count", type=int, default=8, help="micrographs")
    parser.add_argument("--side", type=int, default=2048, help="of the micrographs, px")
    parser.add_argument("--particles", type=int, default=120, help="on each micrograph")
    parser.add_argument("--pixel-size", type=float, default=2.5, help="Å/px")
    parser.add_argument("--snr", type=float, default=0.005)
    parser.add_argument("--small-box", type=int, default=56, help="side of the particles, px")
    parser.add_argument("--minutes", type=float, default=5.0, help="of training")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--peers", action="store_true", help="also picks of RELION's LoG and Topaz")
    arguments = parser.parse_args()
    arguments.maps = arguments.maps.resolve()
    arguments.work = arguments.work.resolve()
    arguments.work.mkdir(parents=True, exist_ok=True)
    prepare_scipion(arguments.work / "scipion")
    # three processes on two cores, where those that wait should let the others work
    os.environ.update(OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_mpi_yield_when_idle="1")
    from circle_project import Circle  # it imports Scipion

    circle = Circle(arguments)
    print("| picks | P | R | F1 | particles | half maps, Å | known map, Å | minutes |")
    print("|---" * 8 + "|", flush=True)
    circle.run()


if __name__ == "__main__":
    main()
