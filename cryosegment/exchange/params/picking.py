# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `pick`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.crf import CARD_CRF, CRF_PRESETS, NO_CRF, SOLVERS
from cryosegment.exchange.params.fields import (
    DIAMETER_HELP,
    GPU_HELP,
    MODEL_PATH,
    PATH,
    PIXEL_SIZE_HELP,
    REQUIRED,
    RESUME_HELP,
    SEED_HELP,
    Params,
    check_value,
    param,
)
from cryosegment.exchange.params.front_end import CTF_HELP

FORMATS = ("box", "cbox", "csv")


@dataclass(frozen=True)
class PickParams(Params):
    """Micrographs to coordinates."""

    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: Optional[float] = param(
        None, PIXEL_SIZE_HELP + "; left out: from the file's header", "Å/px", minimum=0.01
    )
    model: str = param(
        "general", "model file, or general for the one that is shipped", **MODEL_PATH
    )
    crf: str = param(
        CARD_CRF,
        "conditional random field after the network; auto: the model's own",
        choices=(CARD_CRF, NO_CRF, *CRF_PRESETS),
    )
    crf_solver: str = param(
        CARD_CRF, "its solver; auto: the one it comes with", choices=(CARD_CRF, *SOLVERS)
    )
    crf_strength: float = param(1.0, "factor on its weights", minimum=0, maximum=100)
    threshold: str = param("auto", "lowest score of a pick in [0, 1]; auto: the model's own")
    min_distance: float = param(
        0.5, "smallest distance of two picks, as a fraction of the diameter", minimum=0, maximum=10
    )
    edge: float = param(
        0.5,
        "smallest distance of a pick from the border, as a fraction of the diameter",
        minimum=0,
        maximum=10,
    )
    contrast: str = param(
        "auto", "particles are dark or bright; auto: detected", choices=("auto", "dark", "bright")
    )
    ctf: str = param("", CTF_HELP, **PATH)
    masks: bool = param(False, "write masks of the particles and of contamination")
    maps: bool = param(False, "write probability maps of particles and contamination")
    formats: Tuple[str, ...] = param(
        (), "further coordinate formats beside STAR", choices=FORMATS, metavar="FORMAT"
    )
    overlays: bool = param(False, "write PNG images of the micrographs with their picks")
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param("auto", GPU_HELP, metavar="IDS")
    resume: bool = param(False, RESUME_HELP)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold != "auto":
            check_value(
                "threshold", _number("threshold", self.threshold), {"minimum": 0, "maximum": 1}
            )


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ParameterError(f"expected {name} to be auto or a number, got {text!r}") from None
