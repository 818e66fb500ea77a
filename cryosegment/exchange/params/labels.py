# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `labels`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Tuple

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import (
    DIAMETER_HELP,
    ONE_GPU_HELP,
    PATH,
    PIXEL_SIZE_HELP,
    REQUIRED,
    RESUME_HELP,
    THREADS_HELP,
    Y_UP_HELP,
    Params,
    param,
)
from cryosegment.exchange.params.front_end import CTF_HELP


def _pixel_size() -> Any:
    return param(None, PIXEL_SIZE_HELP + "; left out: from the file's header", "Å/px", minimum=0.01)


def _unknown_ring(default: float) -> Any:
    return param(
        default,
        "width of the ring around particles that counts as unknown, in diameters",
        minimum=0,
        maximum=1,
    )


def _edge_width() -> Any:
    return param(
        10.0, "outermost part of a particle that is its edge class", "Å", minimum=0, maximum=1000
    )


def _unknown_outside() -> Any:
    return param(
        False,
        "everything farther than a diameter outside the convex hull of the particles is unknown",
    )


def _contamination() -> Any:
    return param(
        "",
        "maps of contamination (MRC or PNG, 1 where there is some), named after the micrographs",
        **PATH,
    )


def _min_distance() -> Any:
    return param(
        0.1, "particles nearer than this are duplicates, in diameters", minimum=0, maximum=10
    )


class LabelsParams(Params):
    """What the parameters of all label makers have."""

    pixel_size: Optional[float]
    unknown_ring: float
    edge_width: float
    unknown_outside: bool
    min_distance: float
    contamination: str
    resume: bool


@dataclass(frozen=True)
class LabelsCoordinatesParams(LabelsParams):
    """Coordinates to label maps of discs, ellipses or silhouettes of a template."""

    coordinates: str = param(REQUIRED, "coordinate file, or folder of them", **PATH)
    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: Optional[float] = _pixel_size()
    y_up: bool = param(False, Y_UP_HELP)
    ellipse: Optional[float] = param(
        None,
        "short diameter of particles that are ellipses, turned by the file's angles; left out: "
        "discs",
        "Å",
        minimum=1,
        maximum=100_000,
    )
    template: str = param(
        "",
        "2-D image or mask (MRC, PNG) whose silhouette, as long as the diameter and turned by the "
        "file's angles, the particles have",
        metavar="FILE",
        is_path=True,
    )
    min_score: Optional[float] = param(
        None,
        "coordinates are a picker's: those with a lower score become unknown; such labels are "
        "trained on, but models are not validated on them",
    )
    min_distance: float = _min_distance()
    unknown_ring: float = _unknown_ring(0.1)
    unknown_outside: bool = _unknown_outside()
    edge_width: float = _edge_width()
    contamination: str = _contamination()
    threads: int = param(0, THREADS_HELP, minimum=0)
    resume: bool = param(False, RESUME_HELP)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ellipse is not None and self.template:
            raise ParameterError("expected an ellipse or a template, got both: give one")
        if self.ellipse is not None and self.ellipse > self.diameter:
            raise ParameterError(
                f"expected ellipse, the short diameter, to be at most the diameter, "
                f"{self.diameter:g} Å, got {self.ellipse:g}"
            )


@dataclass(frozen=True)
class BodyParams(Params):
    """Refined particles, the body that they show, and what each covers."""

    particles: str = param(
        REQUIRED, "refined particles: RELION .star or CryoSPARC .cs", metavar="FILE", is_path=True
    )
    map: str = param("", "3-D map of the particles (MRC)", metavar="FILE", is_path=True)
    mask: str = param(
        "",
        "3-D mask (MRC) that is the particle's body, in place of the map's",
        metavar="FILE",
        is_path=True,
    )
    passthrough: str = param(
        "",
        "CryoSPARC's passthrough file; left out: the one beside the particles",
        metavar="FILE",
        is_path=True,
    )
    particle_pixel_size: Optional[float] = param(
        None, "pixel size of the particle images; left out: the file's", "Å/px", minimum=0.01
    )
    map_pixel_size: Optional[float] = param(
        None, "voxel size of the map and mask; left out: the header's", "Å", minimum=0.01
    )
    map_threshold: str = param(
        "surface", "where the body ends in the map: surface, li, otsu or a density"
    )
    low_pass: float = param(
        3.0, "Gaussian that smooths the map before, its sigma", "Å", minimum=0, maximum=100
    )
    dilation: float = param(0.0, "how far the body is widened", "Å", minimum=0, maximum=1000)
    footprint: str = param(
        "silhouette",
        "what a particle covers: the body's silhouette, or its projection cut by a rule",
        choices=("silhouette", "li", "otsu", "yen", "triangle", "fixed"),
    )
    thickness: float = param(
        10.0, "thickness from which on the rule fixed counts as covered", "Å", minimum=0.01
    )
    score: str = param("", "column or field that scores the poses; left out: a usual one")
    classes: Tuple[int, ...] = param(
        (),
        "classes of which particles are taken, such as 1,3, by the file's numbers; left out: all",
        minimum=0,
        metavar="N,N",
    )
    gpu: str = param("auto", ONE_GPU_HELP, metavar="ID")
    threads: int = param(0, THREADS_HELP, minimum=0)


@dataclass(frozen=True)
class LabelsReconstructionParams(BodyParams, LabelsParams):
    """Refined particles and their 3-D map to label maps of footprints."""

    pixel_size: Optional[float] = _pixel_size()
    y_up: bool = param(False, "the particles' frame counts y from the last row")
    coordinate_scale: str = param(
        "auto",
        "pixels that the coordinates count, of the micrograph or the binned particles; auto: found",
        choices=("auto", "micrograph", "particle"),
    )
    min_distance: float = _min_distance()
    unknown_ring: float = _unknown_ring(0.03)
    unknown_outside: bool = _unknown_outside()
    edge_width: float = _edge_width()
    contamination: str = _contamination()
    min_score: Optional[float] = param(None, "particles with a lower score become unknown")
    recenter: bool = param(
        False, "write the body's centre of mass as a particle's centre, not the map's centre"
    )
    resume: bool = param(False, RESUME_HELP)


@dataclass(frozen=True)
class LabelsProjectParams(BodyParams):
    """Refined particles and their 3-D map to a mask for every particle image."""

    box_size: Optional[int] = param(
        None,
        "side of the particle images; left out: from the particle file or the stack's header",
        "px",
        minimum=8,
        maximum=16_384,
    )
    edge_width: float = param(
        5.0,
        "width of the edge around a particle's signal, at least 1 px; 0: none",
        "Å",
        minimum=0,
        maximum=1000,
    )
    min_score: Optional[float] = param(None, "particles with a lower score get no mask")


@dataclass(frozen=True)
class LabelsCheckParams(Params):
    """Label maps to a report of their quality."""

    model: str = param(
        "general",
        "model file whose segmentation the labels are compared with, general for the one that is "
        "shipped, none for a threshold in place of a model",
        metavar="MODEL",
        is_path=True,
        names=("general", "none"),
    )
    ctf: str = param("", CTF_HELP, **PATH)
    overlays: int = param(
        6, "number of micrographs to draw, from weak to strong contrast", minimum=0
    )
    gpu: str = param("auto", ONE_GPU_HELP, metavar="ID")
    threads: int = param(0, THREADS_HELP, minimum=0)
