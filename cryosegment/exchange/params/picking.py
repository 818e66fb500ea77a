# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `pick`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from cryosegment.exchange.coordinates import JOINT, WRITTEN
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.model_files import GENERAL
from cryosegment.exchange.params.crf import CRF_PRESETS, NO_CRF
from cryosegment.exchange.params.fields import (
    AUTO,
    DIAMETER_HELP,
    FILE,
    GPU_HELP,
    HEADER_PIXEL_SIZE_HELP,
    MODEL_HELP,
    MODEL_PATH,
    PATH,
    REQUIRED,
    RESUME_HELP,
    SEED_HELP,
    THREADS_HELP,
    Params,
    param,
)
from cryosegment.exchange.params.front_end import CTF_HELP
from cryosegment.exchange.params.network_input import BRIGHT, DARK
from cryosegment.exchange.parts import CENTER_FINDERS, HEAT_MAP, SOLVERS
from cryosegment.exchange.records import check_value, parse_number
from cryosegment.exchange.shards import parse_shard

CARD = "card"
WORKING, MICROGRAPH = "working", "micrograph"
"""Scales of masks."""
DROP, FLAG = "drop", "flag"
"""What becomes of picks on contamination, or on filaments."""
PRECISION_HELP = (
    "instead of a threshold: fraction of the picks that should be particles, from 0 to 1"
)
NUMBER_HELP = (
    "instead of a threshold: number of picks on all micrographs together; more where the last ones "
    "have the same score"
)
SAM_HELP = (
    "folder with a checkpoint of SAM or SAM 2 in the format of Hugging Face, for centers by sam"
)
NO_CLASSES = "none"
SIZE_CLASSES_HELP = (
    "parts the picks by the diameters of their masks, each class with outputs of its own: "
    "boundaries in Å separated by commas, auto for the gaps between common diameters, or none"
)
WORKERS_HELP = (
    "processes that pick at the same time, each with its share of the CPU threads; on several "
    "GPUs, one on each, or more in turn"
)
SHARD_HELP = (
    "pick one of N parts of the micrographs, such as 2/4: N runs, of a SLURM array or on several "
    "machines, share the output, and `cryosegment merge` ends them"
)
EDGE_HELP = "smallest distance of a pick from the edge of the micrograph, in particle diameters"
FORMATS = (*WRITTEN, *JOINT)
"""Formats of coordinates besides STAR."""
FORMATS_HELP = "coordinate formats besides STAR: " + ", ".join(
    [f"{name} ({written.about})" for name, written in WRITTEN.items()]
    + [f"{name} ({joint.about})" for name, joint in JOINT.items()]
)


@dataclass(frozen=True)
class PickParams(Params):
    """How particles are picked, and what is written."""

    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: Optional[float] = param(None, HEADER_PIXEL_SIZE_HELP, "Å/px", minimum=0.01)
    model: str = param(GENERAL, MODEL_HELP, **MODEL_PATH)
    crf: str = param(
        AUTO,
        "conditional random field (CRF) that refines the particle map; auto: that of the model",
        choices=(AUTO, NO_CRF, *CRF_PRESETS),
    )
    crf_solver: str = param(
        AUTO, "solver of the CRF; auto: the CRF's own", choices=(AUTO, *SOLVERS)
    )
    crf_strength: float = param(1.0, "factor on the weights of the CRF", minimum=0, maximum=100)
    threshold: str = param(
        AUTO,
        "lowest score of a pick, from 0 to 1; auto: the one with the highest expected F1 on these "
        "micrographs, for models whose scores are probabilities; card: that of the model",
    )
    precision: Optional[float] = param(None, PRECISION_HELP, minimum=0, maximum=1)
    number: Optional[int] = param(None, NUMBER_HELP, minimum=1)
    decoys: int = param(
        0,
        "number of micrographs that are picked again with randomised phases, for the rate of false "
        "discoveries by threshold",
        minimum=0,
        is_free=True,
    )
    centers: str = param(
        AUTO,
        "method that finds the centres; auto: that of the model, heatmap unless its card says "
        "otherwise",
        choices=(AUTO, *CENTER_FINDERS),
    )
    sam: str = param("", SAM_HELP, metavar="DIR", is_path=True)
    min_distance: str = param(
        AUTO,
        "smallest distance between two picks, in particle diameters; auto: that of the model",
    )
    min_diameter: str = param(
        AUTO, "smallest diameter of a pick's mask; auto: that of the model; 0: no limit", "Å"
    )
    max_diameter: str = param(
        AUTO, "largest diameter of a pick's mask; auto: that of the model; 0: no limit", "Å"
    )
    size_classes: str = param(NO_CLASSES, SIZE_CLASSES_HELP, is_free=True)
    recenter: bool = param(False, "move each pick to the centre of mass of its mask")
    edge: float = param(0.5, EDGE_HELP, minimum=0, maximum=10)
    contrast: str = param(
        AUTO,
        "whether particles are dark or bright in the micrographs; auto: detected",
        choices=(AUTO, DARK, BRIGHT),
    )
    contaminated: str = param(
        DROP,
        "picks of which most lies on contamination: drop them, or flag them, which keeps them; all "
        "have their contaminated share",
        choices=(DROP, FLAG),
    )
    filaments: str = param(
        DROP,
        "picks on filaments, which are straight and thin, beads and all: drop them, or flag them, "
        "which keeps them",
        choices=(DROP, FLAG),
    )
    exclude: str = param(
        "",
        "folder of masks named after the micrographs, of any size, or one mask (MRC, PNG, TIFF): "
        "pixels above 0.5 count as contamination",
        **PATH,
    )
    ctf: str = param("", CTF_HELP, **FILE)
    masks: bool = param(False, "write masks of particles and of contamination")
    mask_scale: str = param(
        WORKING,
        "pixels of the masks: working, those that the network sees, which the header has; or "
        "micrograph, those of the micrograph, with outlines between the working pixels",
        choices=(WORKING, MICROGRAPH),
    )
    maps: bool = param(False, "write probability maps of particles and contamination")
    formats: Tuple[str, ...] = param((), FORMATS_HELP, choices=FORMATS, metavar="FORMAT")
    overlays: bool = param(
        False, "write pictures (PNG) of the micrographs with circles around the picks"
    )
    seed: int = param(0, SEED_HELP + ", which only decoys use", minimum=0)
    gpu: str = param(AUTO, GPU_HELP, metavar="IDS", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
    workers: int = param(1, WORKERS_HELP, minimum=1, is_free=True)
    resume: bool = param(False, RESUME_HELP, is_free=True)
    shard: str = param("", SHARD_HELP, metavar="I/N", is_free=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        bounds = {"threshold": 1.0, "min_distance": 10.0}
        for name in ("threshold", "min_distance", "min_diameter", "max_diameter"):
            text = getattr(self, name)
            if text != AUTO and (name, text) != ("threshold", CARD):
                limits = {"minimum": 0, "maximum": bounds.get(name, 100_000.0)}
                check_value(name, parse_number(name, text), limits)
        _check_size_classes(self.size_classes)
        if self.shard:
            parse_shard(self.shard)
        if self.decoys and (self.shard or self.workers > 1):
            raise ParameterError(
                "expected decoys without shards or workers: give them with --resume afterwards"
            )
        if self.shard and self.workers > 1:
            raise ParameterError("expected one worker in a shard, got several: give more shards")
        given = [self.threshold != AUTO, self.precision is not None, self.number is not None]
        if sum(given) > 1:
            raise ParameterError(
                "expected one of threshold, precision and number, got several: give one"
            )
        if AUTO not in (self.min_diameter, self.max_diameter):
            smallest, largest = float(self.min_diameter), float(self.max_diameter)
            if 0 < largest < smallest:
                raise ParameterError(
                    "expected the smallest diameter of a mask to be at most the largest, got "
                    f"{smallest:g} and {largest:g} Å"
                )


@dataclass(frozen=True)
class MergeParams(Params):
    """Nothing to choose: shards are merged as they were picked."""


@dataclass(frozen=True)
class SelectionParams(Params):
    """Which candidates are picks; lengths are fractions of the particle diameter."""

    centers: str = param(HEAT_MAP, "method that finds the centres", choices=tuple(CENTER_FINDERS))
    scale: float = param(0.0, "length scale of that method; 0: its default", minimum=0, maximum=10)
    min_distance: float = param(0.5, "smallest distance between two picks", minimum=0, maximum=10)
    smallest: float = param(0.0, "smallest diameter of a mask; 0: no limit", minimum=0)
    largest: float = param(0.0, "largest diameter of a mask; 0: no limit", minimum=0)

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
            Diameters of discs of the same area as the masks, in particle diameters; NaN: no mask.
        """
        sizes = np.nan_to_num(sizes)
        is_small = sizes < self.smallest
        is_large = (sizes > self.largest) & (self.largest > 0)
        return ~(is_small | is_large)


def _check_size_classes(text: str) -> None:
    if text in (NO_CLASSES, AUTO):
        return
    boundaries = [parse_number("size_classes", part) for part in text.split(",")]
    is_right = all(0 < boundary <= 100_000 for boundary in boundaries)
    if not is_right or sorted(set(boundaries)) != boundaries:
        raise ParameterError(
            f"expected ascending diameters above 0 Å as boundaries of size classes, got {text}"
        )
