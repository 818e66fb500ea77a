# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network receives: how a micrograph is scaled, filtered and normalised for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from cryosegment.exchange.params.fields import REQUIRED, Params, param
from cryosegment.exchange.params.front_end import FrontEndParams

DARK, BRIGHT = "dark", "bright"


@dataclass(frozen=True)
class NoiseParams(Params):
    """How the noise around a pixel is measured; lengths are fractions of the particle diameter."""

    finest: float = param(
        0.15,
        "structure finer than a Gaussian of this standard deviation counts as noise",
        minimum=0.01,
        maximum=10,
    )
    cell: float = param(0.8, "side of the cells whose noise is measured", minimum=0.05, maximum=100)
    reach: int = param(
        3,
        "the level at a cell is found among the cells this many rows and columns around it",
        minimum=1,
        maximum=10,
    )
    quantile: float = param(
        0.3,
        "of their levels, which: most may hold particles, carbon or dirt",
        minimum=0,
        maximum=1,
    )
    least: float = param(
        0.1,
        "least level as a share of the standard deviation around it, for denoised images, which "
        "may have next to no noise",
        minimum=0,
        maximum=1,
    )


@dataclass(frozen=True)
class InputParams(Params):
    """How a micrograph becomes the input of a network."""

    pixels_per_diameter: float = param(
        REQUIRED, "particle diameter in the input", "px", minimum=1, maximum=1000
    )
    contrast: str = param(
        DARK, "whether particles are dark or bright in the input", choices=(DARK, BRIGHT)
    )
    front_end: FrontEndParams = param(
        FrontEndParams(), "filter or denoiser before grey levels are normalised"
    )
    local_mean: float = param(
        1.0,
        "standard deviation of the Gaussian of the local mean, which is removed, in particle "
        "diameters",
        minimum=0.1,
        maximum=100,
    )
    noise: Optional[NoiseParams] = param(
        NoiseParams(),
        "how the noise is measured that is the unit of grey levels; left out: their unit is the "
        "standard deviation of the whole image, as in networks of earlier versions",
    )
    clip: float = param(
        3.0,
        "grey levels beyond this many units are compressed to their logarithm, or cut where the "
        "unit is that of the whole image",
        minimum=0.1,
        maximum=1000,
    )
