# SPDX-License-Identifier: GPL-3.0-or-later
"""Front ends, the filters of an image before the network, and what they need."""

from __future__ import annotations

from dataclasses import dataclass

from cryosegment.exchange.params.fields import Params, param

NO_FRONT_END = "none"
LOW_PASS, FLIP, WIENER, CRYOSEGNET, MEDIAN = (
    "low-pass",
    "ctf-flip",
    "ctf-wiener",
    "cryosegnet",
    "median",
)
FRONT_ENDS = (NO_FRONT_END, LOW_PASS, FLIP, WIENER, CRYOSEGNET, MEDIAN)
WITH_CTF = (FLIP, WIENER)
"""Front ends that need the contrast transfer function (CTF) of the micrograph."""
CTF_HELP = "STAR file with the CTF of every micrograph, for models with a CTF front end"


@dataclass(frozen=True)
class FrontEndParams(Params):
    """A filter or denoiser of the image, at the pixel size of the network's input."""

    name: str = param(NO_FRONT_END, "front end", choices=FRONT_ENDS)
    resolution: float = param(
        0.0,
        "resolution of low-pass; 0: a fifth of the particle diameter",
        "Å",
        minimum=0,
        maximum=1000,
    )
