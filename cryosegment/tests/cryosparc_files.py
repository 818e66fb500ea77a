# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that jobs of CryoSPARC write, made of simulated particles.

As a program, it writes the STAR file of picks that the CryoSPARC plugin has its converter make.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Tuple

import numpy as np
from scipy.spatial.transform import Rotation

from cryosegment.exchange.star import read_star, write_star

UID = 3_141_592_653_589_793_238
"""Of the first micrograph; CryoSPARC sets such numbers, in 21 digits, before the names of files."""
BINNING = 2
"""Pixels of the micrographs in one of the particle images."""
SHIFT = (3.0, -2.0)
"""How far, px of the particle images (x, y), particles were picked beside their centres."""
PASSED_ON = "J5_passthrough_particles.cs"
REFINED = "cryosparc_P1_J5_003_particles.cs"
"""Name of the particles of the last iteration of a refinement."""


def write_refined(folder: Path, truth: Path, shape: Tuple[int, int], pixel_size: float) -> Path:
    """Write the particles of a refinement and what its job passed through; the former's path.

    Parameters
    ----------
    folder
        Of the job; it is made.
    truth
        STAR file of all simulated particles.
    shape
        Rows and columns of every micrograph.
    pixel_size
        Of the micrographs, Å/px.
    """
    folder.mkdir()
    block = read_star(truth)["particles"]
    angles, centers = (
        np.array([block[f"rln{name}"] for name in names], dtype=float).T
        for names in (("AngleRot", "AngleTilt", "AnglePsi"), ("CoordinateX", "CoordinateY"))
    )
    count = len(centers)
    main = np.zeros(
        count,
        [
            ("uid", "<u8"),
            ("blob/path", "S40"),
            ("blob/idx", "<u4"),
            ("blob/shape", "<u4", (2,)),
            ("blob/psize_A", "<f4"),
            ("alignments3D/split", "<u4"),
            ("alignments3D/shift", "<f4", (2,)),
            ("alignments3D/pose", "<f4", (3,)),
            ("alignments3D/psize_A", "<f4"),
            ("alignments3D/class", "<u4"),
            ("alignments3D/class_posterior", "<f4"),
        ],
    )
    main["uid"] = np.arange(count) * 7 + UID
    main["blob/path"] = b"J4/extract/batch_0_particles.mrc"
    main["blob/idx"] = np.arange(count)
    main["blob/shape"] = 64
    main["alignments3D/split"] = np.arange(count) % 2
    main["alignments3D/class_posterior"] = 1
    main["blob/psize_A"] = main["alignments3D/psize_A"] = BINNING * pixel_size
    # the pose turns the image back onto the reference; where a particle is: pick - shift
    main["alignments3D/pose"] = Rotation.from_euler("ZYZ", angles, degrees=True).as_rotvec()
    main["alignments3D/shift"] = SHIFT
    fractions = (centers + BINNING * np.array(SHIFT)) / shape[::-1]
    names = np.array([Path(name).name for name in block["rlnMicrographName"]])
    uids = {name: UID + i for i, name in enumerate(sorted(set(names)))}
    passed = np.zeros(
        count,
        [
            ("uid", "<u8"),
            ("location/micrograph_uid", "<u8"),
            ("location/micrograph_path", "S99"),
            ("location/micrograph_shape", "<u4", (2,)),
            ("location/center_x_frac", "<f4"),
            ("location/center_y_frac", "<f4"),
        ],
    )
    passed["uid"] = main["uid"]
    passed["location/micrograph_uid"] = [uids[name] for name in names]
    paths = [f"J2/motioncorrected/{uids[name]:021d}_{name}" for name in names]
    passed["location/micrograph_path"] = paths
    passed["location/micrograph_shape"] = shape
    passed["location/center_x_frac"], passed["location/center_y_frac"] = fractions.T
    for name, table in ((REFINED, main), (PASSED_ON, passed[::-1])):
        with (folder / name).open("wb") as stream:
            np.save(stream, table)
    return folder / REFINED


def write_star_of_picks(picks: Path, star: Path) -> None:
    """Write picks as pyem does, which counts y from the last row, in whole px."""
    table = np.load(picks)
    height, width = table["location/micrograph_shape"].T
    x, y = table["location/center_x_frac"] * width, (1 - table["location/center_y_frac"]) * height
    columns = {
        "rlnMicrographName": [path.decode() for path in table["location/micrograph_path"]],
        "rlnCoordinateX": [f"{value:.1f}" for value in x.round()],
        "rlnCoordinateY": [f"{value:.1f}" for value in y.round()],
    }
    write_star(star, {"particles": columns})


if __name__ == "__main__":
    write_star_of_picks(Path(sys.argv[1]), Path(sys.argv[2]))
