# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `labels`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Tuple

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.model_files import GENERAL
from cryosegment.exchange.params.fields import (
    AUTO,
    DIAMETER_HELP,
    FILE,
    HEADER_PIXEL_SIZE_HELP,
    MODEL_HELP,
    ONE_GPU_HELP,
    PATH,
    REQUIRED,
    RESUME_HELP,
    THREADS_HELP,
    Y_UP_HELP,
    Params,
    param,
)
from cryosegment.exchange.params.front_end import CTF_HELP


def _pixel_size() -> Any:
    return param(None, HEADER_PIXEL_SIZE_HELP, "Å/px", minimum=0.01)


def _unknown_ring(default: float) -> Any:
    return param(
        default,
        "width of the ring around particles that is labelled unknown, in particle diameters",
        minimum=0,
        maximum=1,
    )


def _edge_width() -> Any:
    return param(
        10.0, "width of the rim of a particle that is labelled edge", "Å", minimum=0, maximum=1000
    )


def _unknown_outside() -> Any:
    return param(
        False,
        "label the micrograph unknown farther than a diameter outside the convex hull of the "
        "particles: for micrographs that were picked in part",
    )


def _contamination() -> Any:
    return param(
        "",
        "folder of contamination maps named after the micrographs, or one map (MRC, PNG, TIFF; 1 "
        "where there is contamination)",
        **PATH,
    )


def _min_distance() -> Any:
    return param(
        0.1,
        "particles closer than this are duplicates, in particle diameters",
        minimum=0,
        maximum=10,
    )


class LabelsParams(Params):
    """Parameters that all commands that make labels have."""

    pixel_size: Optional[float]
    unknown_ring: float
    edge_width: float
    unknown_outside: bool
    min_distance: float
    contamination: str
    resume: bool


@dataclass(frozen=True)
class LabelsCoordinatesParams(LabelsParams):
    """How particles at given coordinates are labelled: as discs, ellipses or a template's shape."""

    coordinates: str = param(REQUIRED, "coordinate file, or a folder of such files", **PATH)
    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: Optional[float] = _pixel_size()
    y_up: bool = param(False, Y_UP_HELP)
    ellipse: Optional[float] = param(
        None,
        "short diameter of elliptical particles, which are turned by the angles of the coordinate "
        "file; if left out, particles are discs",
        "Å",
        minimum=1,
        maximum=100_000,
    )
    template: str = param(
        "",
        "2-D image or mask (MRC, PNG) that gives the shape of the particles: scaled to the "
        "diameter and turned by the angles of the coordinate file",
        **FILE,
    )
    min_score: Optional[float] = param(
        None,
        "the coordinates come from a picker: particles with a lower score are labelled unknown, "
        "and the labels are used to train models but not to validate them",
    )
    min_distance: float = _min_distance()
    unknown_ring: float = _unknown_ring(0.1)
    unknown_outside: bool = _unknown_outside()
    edge_width: float = _edge_width()
    contamination: str = _contamination()
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
    resume: bool = param(False, RESUME_HELP, is_free=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ellipse is not None and self.template:
            raise ParameterError("expected an ellipse or a template, got both: leave one out")
        if self.ellipse is not None and self.ellipse > self.diameter:
            raise ParameterError(
                f"expected ellipse, the short diameter, to be at most the diameter, "
                f"{self.diameter:g} Å, got {self.ellipse:g}"
            )


@dataclass(frozen=True)
class BodyParams(Params):
    """Refined particles, their 3-D map, and how it is projected."""

    particles: str = param(
        REQUIRED,
        "refined particles of RELION (.star) or CryoSPARC (.cs)",
        **FILE,
    )
    map: str = param("", "3-D map of the particles (MRC)", **FILE)
    mask: str = param(
        "",
        "3-D mask (MRC) that gives the particle's shape; replaces the threshold of the map",
        **FILE,
    )
    passthrough: str = param(
        "",
        "passthrough file of CryoSPARC; if left out, the one in the folder of the particles",
        **FILE,
    )
    particle_pixel_size: Optional[float] = param(
        None,
        "pixel size of the particle images; if left out, that of the particle file",
        "Å/px",
        minimum=0.01,
    )
    map_pixel_size: Optional[float] = param(
        None, "voxel size of the map and mask; if left out, that of the header", "Å", minimum=0.01
    )
    map_threshold: str = param(
        "surface",
        "threshold of the map that gives the particle's shape: surface (the molecular surface), "
        "li, otsu, or a density",
    )
    low_pass: float = param(
        3.0,
        "Gaussian low-pass of the map before the threshold, its sigma",
        "Å",
        minimum=0,
        maximum=100,
    )
    dilation: float = param(
        0.0, "dilation of the particle's shape after the threshold", "Å", minimum=0, maximum=1000
    )
    footprint: str = param(
        "silhouette",
        "area that a particle covers: the silhouette of its shape, or where its projected "
        "thickness is above a threshold (found by li, otsu, yen or triangle, or fixed)",
        choices=("silhouette", "li", "otsu", "yen", "triangle", "fixed"),
    )
    thickness: float = param(
        10.0,
        "projected thickness above which a pixel is covered, for the footprint fixed",
        "Å",
        minimum=0.01,
    )
    score: str = param(
        "",
        "column (.star) or field (.cs) with the score of the particles; if left out, the "
        "probability of the pose or the picking score, if the file has one",
    )
    classes: Tuple[int, ...] = param(
        (),
        "classes whose particles are taken, such as 1,3, as numbered in the particle file; if left "
        "out, all",
        minimum=0,
        metavar="N,N",
    )
    gpu: str = param(AUTO, ONE_GPU_HELP, metavar="ID", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)


@dataclass(frozen=True)
class LabelsReconstructionParams(BodyParams, LabelsParams):
    """How refined particles are labelled on their micrographs."""

    pixel_size: Optional[float] = _pixel_size()
    y_up: bool = param(
        False,
        "the y axis of the particle coordinates points up: y counts from the last row of the image",
    )
    coordinate_scale: str = param(
        AUTO,
        "pixels in which the coordinates are given: of the micrographs, or of the binned "
        "particles; auto: detected",
        choices=(AUTO, "micrograph", "particle"),
    )
    min_distance: float = _min_distance()
    unknown_ring: float = _unknown_ring(0.03)
    unknown_outside: bool = _unknown_outside()
    edge_width: float = _edge_width()
    contamination: str = _contamination()
    min_score: Optional[float] = param(None, "particles with a lower score are labelled unknown")
    recenter: bool = param(
        False, "take the centre of mass of the particle's shape as its centre, not that of the map"
    )
    resume: bool = param(False, RESUME_HELP, is_free=True)


@dataclass(frozen=True)
class LabelsProjectParams(BodyParams):
    """How a mask is made for every image of refined particles."""

    box_size: Optional[int] = param(
        None,
        "box size of the particle images; if left out, that of the particle file or of the stack",
        "px",
        minimum=8,
        maximum=16_384,
    )
    edge_width: float = param(
        5.0,
        "width of the edge around the signal, at least 1 px; 0: no edge",
        "Å",
        minimum=0,
        maximum=1000,
    )
    min_score: Optional[float] = param(None, "particles with a lower score get no mask")


@dataclass(frozen=True)
class LabelsCheckParams(Params):
    """How labels are checked."""

    model: str = param(
        GENERAL,
        MODEL_HELP + ", with whose segmentation the labels are compared; none: with a threshold",
        metavar="MODEL",
        is_path=True,
        names=(GENERAL, "none"),
    )
    ctf: str = param("", CTF_HELP, **FILE)
    overlays: int = param(
        6,
        "number of micrographs of which pictures are drawn, from weak to strong contrast",
        minimum=0,
    )
    gpu: str = param(AUTO, ONE_GPU_HELP, metavar="ID", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
