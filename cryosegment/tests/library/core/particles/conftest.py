# SPDX-License-Identifier: GPL-3.0-or-later
"""Refined particles of two simulated micrographs, extracted, and their masks."""

from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryosegment.core.labels.project import project_masks
from cryosegment.core.simulation.writer import write_simulation
from cryosegment.exchange.params import LabelsProjectParams, SimulateParams
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.star import read_star, write_star

PIXEL_SIZE, BOX = 4.0, 64


@dataclass(frozen=True)
class Extracted:
    """Extracted particles.

    Attributes
    ----------
    masks
        Folder made by `cryosegment labels project`.
    footprints
        What each image holds of its particle, `(n, s, s)`.
    """

    masks: Path
    footprints: np.ndarray


@pytest.fixture(scope="session")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Extracted:
    """Particles of the built-in molecule, about 45 px across, bright in boxes of 64 px."""
    folder = tmp_path_factory.mktemp("extracted")
    params = SimulateParams(
        count=2, size=(512, 512), pixel_size=PIXEL_SIZE, coverage=0.15, snr=0.5, seed=3
    )
    write_simulation(folder, params)
    table = read_star(folder / "truth" / "coordinates.star")["particles"]
    names = np.array(table["rlnMicrographName"])
    corners = np.stack([np.array(table[f"rlnCoordinate{a}"], float) for a in "YX"], 1) - BOX // 2
    inside = ((corners >= 0) & (corners + BOX <= 512)).all(1)
    rows, images, footprints = [], [], []
    for name in np.unique(names):
        micrograph = mrcfile.read(folder / name)
        instances = mrcfile.read(folder / "truth" / "instances" / Path(name).name)
        boxes = np.flatnonzero(inside & (names == name))
        stack = []
        for y, x in corners[boxes].astype(int):
            window = (slice(y, y + BOX), slice(x, x + BOX))
            stack.append(-micrograph[window])
            footprints.append(instances[window] == instances[y + BOX // 2, x + BOX // 2])
        mrcfile.write(folder / f"{Path(name).stem}.mrcs", np.stack(stack))
        images += [f"{i + 1:06d}@{Path(name).stem}.mrcs" for i in range(len(stack))]
        rows += boxes.tolist()
    kept = ("rlnMicrographName", "rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOpticsGroup")
    columns = {column: [table[column][row] for row in rows] for column in kept}
    optics = {"rlnOpticsGroup": [1], "rlnImagePixelSize": [PIXEL_SIZE], "rlnImageSize": [BOX]}
    star = folder / "particles.star"
    write_star(star, {"optics": optics, "particles": {"rlnImageName": images, **columns}})
    density = next((folder / "truth" / "maps").iterdir())
    project = LabelsProjectParams(str(star), map=str(density))
    project_masks(project, folder / "masks", no_progress)
    return Extracted(folder / "masks", np.stack(footprints))
