# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `pick` and of the conditional random field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import (
    DIAMETER_HELP,
    GPU_HELP,
    MODEL_PATH,
    PIXEL_SIZE_HELP,
    REQUIRED,
    RESUME_HELP,
    SEED_HELP,
    Params,
    check_value,
    param,
)


@dataclass(frozen=True)
class CrfParams(Params):
    """A two-label dense CRF; distances count pixels of the network's input."""

    iterations: int = param(5, "mean-field iterations", minimum=1, maximum=100)
    gaussian_weight: float = param(
        1.0, "weight of the smoothness kernel, in logits", minimum=0, maximum=1000
    )
    gaussian_sigma: float = param(
        2.0, "reach of the smoothness kernel", "px", minimum=0.1, maximum=100
    )
    bilateral_weight: float = param(
        0.0, "weight of the appearance kernel, in logits", minimum=0, maximum=1000
    )
    bilateral_sigma: float = param(
        10.0, "reach of the appearance kernel", "px", minimum=0.1, maximum=1000
    )
    feature: str = param(
        "none", "what the appearance kernel compares", choices=("none", "intensity", "logits")
    )
    feature_sigma: float = param(
        1.0, "reach of the appearance kernel in the feature", minimum=0.001, maximum=1000
    )
    intensity_sigma: float = param(
        2.0, "low-pass of the image before intensities are compared", "px", minimum=0.1, maximum=100
    )


NO_CRF = "none"
# Weak on purpose: on real micrographs logit features gain 0.1 to 0.3 % IoU and intensities lose.
CRF_PRESETS: Dict[str, CrfParams] = {
    "gaussian": CrfParams(),
    "intensity": CrfParams(bilateral_weight=0.5, feature="intensity", feature_sigma=0.5),
    "logits": CrfParams(bilateral_weight=1.0, feature="logits", feature_sigma=2.0),
}

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
        "logits", "conditional random field after the network", choices=(NO_CRF, *CRF_PRESETS)
    )
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
    masks: bool = param(False, "write instance masks")
    maps: bool = param(False, "write probability maps")
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
