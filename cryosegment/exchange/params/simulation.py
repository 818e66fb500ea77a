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
    """What is simulated: molecules, their arrangement, ice and dirt, microscope and detector."""

    count: int = param(1, "number of micrographs", minimum=1, is_free=True)
    size: Tuple[int, int] = param(
        (1024, 1024),
        "height and width of a micrograph",
        "px",
        minimum=64,
        maximum=16384,
        metavar=("HEIGHT", "WIDTH"),
    )
    pixel_size: float = param(
        2.0, "pixel size of the micrographs", "Å/px", minimum=0.01, maximum=100
    )
    snr: float = param(
        0.05,
        "signal-to-noise ratio: variance of the noise-free micrograph over that of the noise",
        minimum=1e-5,
        maximum=1e5,
    )
    snr_db: Optional[float] = param(
        None,
        "signal-to-noise ratio in decibels, replaces snr: 10 log10 of the sum of squares of the "
        "noise-free micrograph over that of the noise",
        "dB",
        minimum=-60,
        maximum=60,
    )
    molecule: Tuple[str, ...] = param(
        ("builtin",),
        "density map (MRC) or atomic model (PDB, mmCIF), or builtin; give it once for each "
        "molecule of a mixture",
        metavar="FILE",
        is_path=True,
        names=("builtin",),
    )
    ratios: Tuple[float, ...] = param(
        (),
        "relative numbers of the molecules of a mixture, separated by commas; if left out, equal",
        minimum=1e-6,
        maximum=1e6,
    )
    particles: int = param(
        0, "particles per micrograph; 0: as many as the coverage asks for", minimum=0
    )
    coverage: float = param(
        0.33,
        "fraction of the micrograph that particles cover, counted as discs; up to about 0.5 fits "
        "without overlap",
        minimum=0.001,
        maximum=10,
    )
    min_distance: float = param(
        1.0,
        "smallest distance between two particles, in particle diameters",
        minimum=0.01,
        maximum=100,
    )
    touching: float = param(
        0.0,
        "fraction of the particles that are placed beside another one, at the smallest distance",
        minimum=0,
        maximum=1,
    )
    preferred: float = param(
        0.0, "fraction of the particles in the preferred orientation", minimum=0, maximum=1
    )
    preferred_view: Tuple[float, float] = param(
        (0.0, 0.0),
        "rotation and tilt of the preferred orientation",
        "°",
        minimum=-360,
        maximum=360,
        metavar=("ROT", "TILT"),
    )
    preferred_spread: float = param(
        10.0,
        "spread of the viewing directions about the preferred one",
        "°",
        minimum=0.1,
        maximum=90,
    )
    junk: float = param(0.0, "broken particles for each whole one", minimum=0, maximum=10)
    aggregates: int = param(0, "aggregates of particles per micrograph", minimum=0, maximum=1_000)
    gold: int = param(0, "gold beads per micrograph", minimum=0, maximum=1_000)
    gold_diameter: float = param(100.0, "diameter of a gold bead", "Å", minimum=1, maximum=2_000)
    ice_blobs: int = param(
        0,
        "ice contamination per micrograph: crystals and blobs, half of each",
        minimum=0,
        maximum=1_000,
    )
    ice_gradient: float = param(
        0.0,
        "change of the brightness across the micrograph, in standard deviations of the noise",
        minimum=0,
        maximum=100,
    )
    ice_wedge: float = param(
        0.0,
        "change of the ice thickness across the micrograph, relative to its mean: thick ice has "
        "more structure, and lies on the dark side of the ice gradient",
        minimum=0,
        maximum=1,
    )
    carbon: float = param(
        0.0,
        "fraction of the micrographs that show the edge of the carbon film",
        minimum=0,
        maximum=1,
    )
    defocus_min: float = param(8_000.0, "smallest defocus", "Å", minimum=0, maximum=200_000)
    defocus_max: float = param(25_000.0, "largest defocus", "Å", minimum=0, maximum=200_000)
    astigmatism: float = param(
        200.0,
        "largest astigmatism: difference of the defocus along two axes",
        "Å",
        minimum=0,
        maximum=50_000,
    )
    voltage: float = param(300.0, "acceleration voltage", "kV", minimum=10, maximum=3_000)
    spherical_aberration: float = param(2.7, "spherical aberration", "mm", minimum=0, maximum=100)
    amplitude_contrast: float = param(0.1, "amplitude contrast", minimum=0, maximum=1)
    b_factor: float = param(60.0, "B-factor of the signal", "Å²", minimum=0, maximum=10_000)
    focus_spread: float = param(
        0.0, "standard deviation of the focus (temporal coherence)", "Å", minimum=0, maximum=10_000
    )
    convergence: float = param(
        0.0, "half angle of the illumination (spatial coherence)", "mrad", minimum=0, maximum=10
    )
    mtf: float = param(
        1.0,
        "modulation transfer m of the detector at the Nyquist frequency; at a frequency f it is "
        "1 / (1 + (1/m - 1) (f/Nyquist)^2)",
        minimum=0.01,
        maximum=1,
    )
    dose: float = param(
        0.0,
        "electron dose, which gives counting noise; 0: none",
        "e⁻/Å²",
        minimum=0,
        maximum=10_000,
    )
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param("cpu", ONE_GPU_HELP, metavar="ID", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
    resume: bool = param(False, RESUME_HELP, is_free=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.defocus_min > self.defocus_max:
            raise ParameterError(
                "expected the smallest defocus to be at most the largest, got "
                f"{self.defocus_min:g} and {self.defocus_max:g} Å"
            )
        if not self.molecule or isinstance(self.molecule, str):
            raise ParameterError(f"expected a tuple of molecules, got {self.molecule!r}")
        if self.ratios and len(self.ratios) != len(self.molecule):
            raise ParameterError(
                f"expected a ratio for each of {len(self.molecule)} molecules, got "
                f"{len(self.ratios)}: give one for each, or none"
            )
        if self.snr_db is not None and self.snr != SimulateParams.snr:
            raise ParameterError("expected snr or snr_db, got both: leave one out")
