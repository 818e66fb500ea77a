# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `simulate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import (
    ONE_GPU_HELP,
    RESUME_HELP,
    SEED_HELP,
    THREADS_HELP,
    Params,
    param,
)


@dataclass(frozen=True)
class SimulateParams(Params):
    """Micrographs with exact truth, from density maps or atomic models."""

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
    snr_db: Optional[float] = param(
        None,
        "in place of snr: 10 log10 of the noise-free micrograph's sum of squares over the noise's",
        "dB",
        minimum=-60,
        maximum=60,
    )
    molecule: Tuple[str, ...] = param(
        ("builtin",),
        "map (MRC) or atomic model (PDB, mmCIF), or builtin; once for each species of a mixture",
        metavar="FILE",
        is_path=True,
        names=("builtin",),
    )
    ratios: Tuple[float, ...] = param(
        (),
        "parts of the species in the mixture, separated by commas; left out: equal",
        minimum=1e-6,
        maximum=1e6,
    )
    particles: int = param(0, "particles per micrograph; 0: as coverage says", minimum=0)
    coverage: float = param(
        0.33,
        "share of the area that particles cover, counted as discs; about half of it fits without "
        "overlap",
        minimum=0.001,
        maximum=10,
    )
    min_distance: float = param(
        1.0, "smallest distance of two particles, in diameters", minimum=0.01, maximum=100
    )
    touching: float = param(
        0.0,
        "share of the particles that lie beside another, at the smallest distance",
        minimum=0,
        maximum=1,
    )
    preferred: float = param(
        0.0, "share of the particles in the preferred view", minimum=0, maximum=1
    )
    preferred_view: Tuple[float, float] = param(
        (0.0, 0.0), "the preferred view", "°", minimum=-360, maximum=360, metavar=("ROT", "TILT")
    )
    preferred_spread: float = param(
        10.0, "spread of the view directions about it", "°", minimum=0.1, maximum=90
    )
    junk: float = param(0.0, "broken particles, per whole one", minimum=0, maximum=10)
    aggregates: int = param(0, "heaps of particles per micrograph", minimum=0, maximum=1_000)
    gold: int = param(0, "gold beads per micrograph", minimum=0, maximum=1_000)
    gold_diameter: float = param(100.0, "diameter of a gold bead", "Å", minimum=1, maximum=2_000)
    ice_blobs: int = param(
        0, "ice crystals and blobs per micrograph, half of each", minimum=0, maximum=1_000
    )
    ice_gradient: float = param(
        0.0, "rise of the ice's brightness over the image, in noise sd", minimum=0, maximum=100
    )
    ice_wedge: float = param(
        0.0,
        "difference of the ice's thickness over the image, relative to its mean: thick ice has "
        "more structure, on the dark side of ice_gradient",
        minimum=0,
        maximum=1,
    )
    carbon: float = param(0.0, "fraction of micrographs with a carbon edge", minimum=0, maximum=1)
    defocus_min: float = param(8_000.0, "smallest defocus", "Å", minimum=0, maximum=200_000)
    defocus_max: float = param(25_000.0, "largest defocus", "Å", minimum=0, maximum=200_000)
    astigmatism: float = param(200.0, "largest defocus difference", "Å", minimum=0, maximum=50_000)
    voltage: float = param(300.0, "acceleration voltage", "kV", minimum=10, maximum=3_000)
    spherical_aberration: float = param(2.7, "spherical aberration", "mm", minimum=0, maximum=100)
    amplitude_contrast: float = param(0.1, "amplitude contrast", minimum=0, maximum=1)
    b_factor: float = param(60.0, "fall-off of the signal", "Å²", minimum=0, maximum=10_000)
    focus_spread: float = param(
        0.0, "standard deviation of the focus: temporal coherence", "Å", minimum=0, maximum=10_000
    )
    convergence: float = param(
        0.0, "half angle of the illumination: spatial coherence", "mrad", minimum=0, maximum=10
    )
    mtf: float = param(
        1.0,
        "the detector's modulation transfer m at the Nyquist frequency, "
        "1 / (1 + (1/m - 1) (f/Nyquist)^2) at f",
        minimum=0.01,
        maximum=1,
    )
    dose: float = param(
        0.0, "electrons counted; 0: no counting noise", "e⁻/Å²", minimum=0, maximum=10_000
    )
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param("cpu", ONE_GPU_HELP, metavar="ID")
    threads: int = param(0, THREADS_HELP, minimum=0)
    resume: bool = param(False, RESUME_HELP)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.defocus_min > self.defocus_max:
            raise ParameterError(
                f"expected the smallest defocus up to the largest, got {self.defocus_min:g} and "
                f"{self.defocus_max:g} Å"
            )
        if not self.molecule or isinstance(self.molecule, str):
            raise ParameterError(f"expected a tuple of molecules, got {self.molecule!r}")
        if self.ratios and len(self.ratios) != len(self.molecule):
            raise ParameterError(
                f"expected a ratio for each of {len(self.molecule)} molecules, got "
                f"{len(self.ratios)}: give as many or none"
            )
        if self.snr_db is not None and self.snr != SimulateParams.snr:
            raise ParameterError("expected snr or snr_db, got both: leave one out")
