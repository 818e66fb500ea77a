# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `simulate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import (
    GPU_HELP,
    RESUME_HELP,
    SEED_HELP,
    Params,
    param,
)


@dataclass(frozen=True)
class SimulateParams(Params):
    """Micrographs with exact truth, from a density map or an atomic model."""

    count: int = param(1, "number of micrographs", minimum=1)
    size: Tuple[int, int] = param(
        (1024, 1024), "rows and columns", "px", minimum=64, metavar=("HEIGHT", "WIDTH")
    )
    pixel_size: float = param(2.0, "pixel size", "Å/px", minimum=0.01, maximum=100)
    snr: float = param(
        0.05,
        "variance of the noise-free micrograph over that of the noise",
        minimum=1e-5,
        maximum=1e5,
    )
    molecule: str = param(
        "builtin",
        "map (MRC) or atomic model (PDB, mmCIF), or builtin",
        metavar="FILE",
        is_path=True,
    )
    particles: int = param(
        0, "particles per micrograph; 0: a third of the area is covered", minimum=0
    )
    min_distance: float = param(
        1.0, "smallest distance of two particles, in diameters", minimum=0.01, maximum=100
    )
    defocus_min: float = param(8_000.0, "smallest defocus", "Å", minimum=0, maximum=200_000)
    defocus_max: float = param(25_000.0, "largest defocus", "Å", minimum=0, maximum=200_000)
    astigmatism: float = param(200.0, "largest defocus difference", "Å", minimum=0, maximum=50_000)
    voltage: float = param(300.0, "acceleration voltage", "kV", minimum=10, maximum=3_000)
    spherical_aberration: float = param(2.7, "spherical aberration", "mm", minimum=0, maximum=100)
    amplitude_contrast: float = param(0.1, "amplitude contrast", minimum=0, maximum=1)
    b_factor: float = param(60.0, "fall-off of the signal", "Å²", minimum=0, maximum=10_000)
    dose: float = param(
        0.0, "electrons counted; 0: no counting noise", "e⁻/Å²", minimum=0, maximum=10_000
    )
    ice_blobs: int = param(0, "ice contaminants per micrograph", minimum=0, maximum=1_000)
    ice_gradient: float = param(
        0.0, "rise of the ice's brightness over the image, in noise sd", minimum=0, maximum=100
    )
    carbon: float = param(0.0, "fraction of micrographs with a carbon edge", minimum=0, maximum=1)
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param("cpu", GPU_HELP, metavar="IDS")
    resume: bool = param(False, RESUME_HELP)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.defocus_min > self.defocus_max:
            raise ParameterError(
                f"expected defocus_min up to defocus_max, got {self.defocus_min:g} and "
                f"{self.defocus_max:g} Å"
            )
