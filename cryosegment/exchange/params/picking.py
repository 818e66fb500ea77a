# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `pick`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

from cryosegment.exchange.errors import ModelError, ParameterError
from cryosegment.exchange.params.crf import CARD_CRF, CRF_PRESETS, NO_CRF, SOLVERS
from cryosegment.exchange.params.fields import (
    DIAMETER_HELP,
    MODEL_PATH,
    ONE_GPU_HELP,
    PATH,
    PIXEL_SIZE_HELP,
    REQUIRED,
    RESUME_HELP,
    SEED_HELP,
    THREADS_HELP,
    Params,
    check_value,
    in_words,
    param,
    params_from_dict,
)
from cryosegment.exchange.params.front_end import CTF_HELP

AUTO = "auto"
HEAT_MAP, CONTOUR, CROCKER_GRIER, GRID_NMS = "heatmap", "contour", "crocker-grier", "grid-nms"
CENTERS = (HEAT_MAP, CONTOUR, CROCKER_GRIER, GRID_NMS)
"""How centres are found; all but the first need the particle map alone."""
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
    threshold: str = param(AUTO, "lowest score of a pick in [0, 1]; auto: the model's own")
    centers: str = param(
        AUTO,
        "how centres are found; auto: as the model recommends, which is heatmap if nothing else",
        choices=(AUTO, *CENTERS),
    )
    min_distance: str = param(
        AUTO,
        "smallest distance of two picks, as a fraction of the diameter; auto: the model's own",
    )
    min_diameter: str = param(
        AUTO, "smallest diameter of a pick's mask; auto: the model's own; 0: any", "Å"
    )
    max_diameter: str = param(
        AUTO, "largest diameter of a pick's mask; auto: the model's own; 0: any", "Å"
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
    gpu: str = param("auto", ONE_GPU_HELP, metavar="ID")
    threads: int = param(0, THREADS_HELP, minimum=0)
    resume: bool = param(False, RESUME_HELP)

    def __post_init__(self) -> None:
        super().__post_init__()
        bounds = {"threshold": 1.0, "min_distance": 10.0}
        for name in ("threshold", "min_distance", "min_diameter", "max_diameter"):
            text = getattr(self, name)
            if text != AUTO:
                limits = {"minimum": 0, "maximum": bounds.get(name, 100_000.0)}
                check_value(name, _number(name, text), limits)
        if AUTO not in (self.min_diameter, self.max_diameter):
            smallest, largest = float(self.min_diameter), float(self.max_diameter)
            if 0 < largest < smallest:
                raise ParameterError(
                    "expected the smallest diameter of a mask to be at most the largest, got "
                    f"{smallest:g} and {largest:g} Å"
                )

    def selection(self, facts: Mapping[str, Any]) -> SelectionParams:
        """What these parameters choose, and what a model card recommends where they do not.

        Parameters
        ----------
        facts
            What the card says.

        Raises
        ------
        ModelError
            If the card recommends what this version does not know.
        """
        own = selection_of_card(facts)
        chosen: Dict[str, Any] = {}
        if self.centers not in (AUTO, own.centers):
            chosen.update(centers=self.centers, scale=0.0)
        if self.min_distance != AUTO:
            chosen["min_distance"] = float(self.min_distance)
        if self.min_diameter != AUTO:
            chosen["smallest"] = float(self.min_diameter) / self.diameter
        if self.max_diameter != AUTO:
            chosen["largest"] = float(self.max_diameter) / self.diameter
        return dataclasses.replace(own, **chosen)


@dataclass(frozen=True)
class SelectionParams(Params):
    """Which candidates are picks; lengths are fractions of the particle diameter."""

    centers: str = param(HEAT_MAP, "how centres are found", choices=CENTERS)
    scale: float = param(0.0, "length of that finder; 0: its usual one", minimum=0, maximum=10)
    min_distance: float = param(0.5, "smallest distance of two picks", minimum=0, maximum=10)
    smallest: float = param(0.0, "smallest mask; 0: any", minimum=0)
    largest: float = param(0.0, "largest mask; 0: any", minimum=0)

    def __str__(self) -> str:
        scale = f" at scale {self.scale:g}" if self.scale else ""
        parts = [f"centres by {self.centers}{scale}", f"distance {self.min_distance:g}"]
        bounds = {"from": self.smallest, "to": self.largest}
        sizes = [f"{word} {value:g}" for word, value in bounds.items() if value]
        return ", ".join([*parts, *(["masks " + " ".join(sizes)] if sizes else [])]) + " diameters"

    def has_size(self, sizes: np.ndarray) -> np.ndarray:
        """Which masks are neither too small nor too large.

        Parameters
        ----------
        sizes
            Diameters of the discs with the masks' areas, in particle diameters; NaN is no mask.
        """
        sizes = np.nan_to_num(sizes)
        is_small = sizes < self.smallest
        is_large = (sizes > self.largest) & (self.largest > 0)
        return ~(is_small | is_large)


def selection_of_card(facts: Mapping[str, Any]) -> SelectionParams:
    """What a model card recommends; a card that says nothing recommends the defaults.

    Raises
    ------
    ModelError
        If this version does not know it.
    """
    try:
        return params_from_dict(SelectionParams, facts)
    except ParameterError as error:
        raise ModelError(
            f"the model card recommends picking that this version does not know ({error}): install "
            "the cryosegment version that made it"
        ) from None


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ParameterError(
            f"expected {in_words(name)} to be auto or a number, got {text!r}"
        ) from None
