# SPDX-License-Identifier: GPL-3.0-or-later
"""RELION as an oracle: its programs, and files for them."""

import subprocess
from pathlib import Path

import mrcfile
import numpy as np

OPTICS = """\
data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnVoltage #3
_rlnSphericalAberration #4
_rlnAmplitudeContrast #5
_rlnImagePixelSize #6
_rlnImageSize #7
_rlnImageDimensionality #8
_rlnPhaseShift #9
1 optics1 {voltage} {aberration} {amplitude} {pixel_size} {size} 2 {phase_shift}


data_particles

loop_
_rlnImageName #1
_rlnAngleRot #2
_rlnAngleTilt #3
_rlnAnglePsi #4
_rlnOriginXAngst #5
_rlnOriginYAngst #6
_rlnDefocusU #7
_rlnDefocusV #8
_rlnDefocusAngle #9
_rlnOpticsGroup #10
"""


class Relion:
    """RELION's command-line programs in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, program: str, *arguments: object) -> None:
        subprocess.run(
            [program, *map(str, arguments)], cwd=self.folder, check=True, capture_output=True
        )

    def write_map(self, name: str, volume: np.ndarray, pixel_size: float) -> None:
        with mrcfile.new(self.folder / name) as file:
            file.set_data(volume.astype(np.float32))
            file.voxel_size = pixel_size
            file.set_volume()

    def write_star(self, name: str, stack: str, rows: np.ndarray, **optics: float) -> None:
        """Particles of a stack; rows of rot, tilt, psi, defocus u, v and angle."""
        optics = {"voltage": 300, "aberration": 2.7, "amplitude": 0.1, "phase_shift": 0, **optics}
        lines = [
            f"{number:06d}@{stack} {rot} {tilt} {psi} 0 0 {u} {v} {angle} 1"
            for number, (rot, tilt, psi, u, v, angle) in enumerate(rows, start=1)
        ]
        text = OPTICS.format(**optics) + "\n".join(lines) + "\n"
        (self.folder / name).write_text(text)
