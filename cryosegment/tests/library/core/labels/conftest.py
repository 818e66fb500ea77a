# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated data set whose truth is known, and what overlap of label maps is."""

from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryosegment.core.simulation.writer import write_simulation
from cryosegment.exchange.params import SimulateParams


@dataclass(frozen=True)
class Simulated:
    """A folder made by `cryosegment simulate`."""

    folder: Path

    @property
    def star(self) -> Path:
        """Particles with their true poses."""
        return self.folder / "truth" / "coordinates.star"

    @property
    def map(self) -> Path:
        """The density of the molecule."""
        return next((self.folder / "truth" / "maps").iterdir())

    @property
    def micrographs(self) -> dict[str, Path]:
        """Files by name."""
        return {path.stem: path for path in sorted((self.folder / "micrographs").iterdir())}

    def instances(self, name: str) -> np.ndarray:
        """The exact instance map."""
        return mrcfile.read(self.folder / "truth" / "instances" / f"{name}.mrc")


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Two crowded micrographs of the built-in molecule, about 90 px across."""
    folder = tmp_path_factory.mktemp("simulated")
    params = SimulateParams(
        count=2, size=(640, 800), pixel_size=2.0, min_distance=0.55, snr=0.1, seed=11
    )
    write_simulation(folder, params)
    return Simulated(folder)
