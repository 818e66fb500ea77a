# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `evaluate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import (
    DIAMETER_HELP,
    PATH,
    PIXEL_SIZE_HELP,
    REQUIRED,
    SEED_HELP,
    SET_NAMES_HELP,
    Params,
    param,
)

DISTANCE, BOX = "distance", "box"
"""When a pick matches a particle: by the distance of the centres, or by the overlap of boxes."""
BOX_MAP, DISC_PIXELS = "crisp", "cryosegnet"
"""Protocols of papers: mean average precision of boxes, and pixels of discs."""


@dataclass(frozen=True)
class EvaluateParams(Params):
    """What is compared, and when a pick counts as correct."""

    picks: Tuple[str, ...] = param(
        REQUIRED,
        "sets of picks, one after another: coordinate files, or folders of such files",
        is_row=True,
        **PATH,
    )
    reference: str = param(
        REQUIRED, "coordinate file of the reference, or a folder of such files", **PATH
    )
    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: float = param(REQUIRED, PIXEL_SIZE_HELP, "Å/px", minimum=0.01)
    names: Tuple[str, ...] = param((), SET_NAMES_HELP)
    tolerance: float = param(
        0.25,
        "largest distance of a correct pick from the reference, in particle diameters",
        minimum=0.001,
        maximum=10,
    )
    distance: Optional[float] = param(
        None,
        "largest distance of a correct pick from the reference, in place of the tolerance",
        "Å",
        minimum=0.01,
    )
    distances: Tuple[float, ...] = param(
        (),
        "further distances at which figures are given, with commas between them",
        "Å",
        minimum=0.01,
    )
    matching: str = param(
        DISTANCE,
        "what makes a pick correct: the distance of the centres, or the overlap of boxes around "
        "them",
        choices=(DISTANCE, BOX),
    )
    box: Optional[float] = param(
        None, "side of the boxes; if left out, the particle diameter", "Å", minimum=1
    )
    overlap: float = param(
        0.5,
        "least overlap of the boxes of a correct pick: intersection over union",
        minimum=0.01,
        maximum=1,
    )
    beta: float = param(
        2.0,
        "how many times more recall counts than precision in F-beta: particles that are not picked "
        "are lost, wrong picks go in 2D classification",
        minimum=0.1,
        maximum=10,
    )
    micrographs: Tuple[str, ...] = param(
        (),
        "micrographs, as for pick, on which the page shows hits and misses",
        is_row=True,
        **PATH,
    )
    published: Tuple[str, ...] = param(
        (),
        f"figures as papers give them: {BOX_MAP} (mean average precision of boxes), {DISC_PIXELS} "
        "(pixels of discs)",
        choices=(BOX_MAP, DISC_PIXELS),
    )
    masks: Tuple[str, ...] = param(
        (),
        "folders of instance masks, one for each set, which are compared with --reference-masks",
        is_row=True,
        metavar="DIR",
        is_path=True,
    )
    reference_masks: str = param(
        "", "folder of the instance masks of the reference", metavar="DIR", is_path=True
    )
    boundary: float = param(
        0.05,
        "largest distance of a correct outline from that of the reference, in particle diameters",
        minimum=0.001,
        maximum=1,
    )
    contamination: str = param(
        "",
        "folder of contamination maps named after the micrographs: where they are high, neither "
        "picks nor reference count",
        metavar="DIR",
        is_path=True,
    )
    margin: float = param(
        0.0,
        "distance from the border of the micrographs up to which neither picks nor reference "
        "count; needs --height and --width",
        "Å",
        minimum=0,
    )
    samples: int = param(
        1000,
        "draws of micrographs for 95 % intervals; 0 for no intervals",
        minimum=0,
        maximum=100_000,
    )
    seed: int = param(0, SEED_HELP, minimum=0)
    json: bool = param(False, "print the result as JSON")
    y_up: bool = param(
        False, "the y axis of the reference points up: y counts from the last row; needs --height"
    )
    height: Optional[int] = param(
        None, "height of the micrographs, for --y-up and --margin", "px", minimum=1
    )
    width: Optional[int] = param(None, "width of the micrographs, for --margin", "px", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.y_up and self.height is None:
            raise ParameterError(
                "a y axis that points up needs the height of the micrographs: give --height"
            )
        if self.margin and (self.height is None or self.width is None):
            raise ParameterError(
                "a margin needs the size of the micrographs: give --height and --width"
            )
        for values, what in ((self.names, "names"), (self.masks, "folders of masks")):
            if values and len(values) != len(self.picks):
                raise ParameterError(
                    f"expected {what} of {len(self.picks)} sets of picks, got {len(values)}"
                )
        if bool(self.masks) != bool(self.reference_masks):
            raise ParameterError(
                "masks are compared with those of the reference: give --masks and --reference-masks"
            )

    @property
    def reach(self) -> float:
        """Largest distance of a correct pick, Å."""
        return self.tolerance * self.diameter if self.distance is None else self.distance

    @property
    def side(self) -> float:
        """Side of the boxes, Å."""
        return self.diameter if self.box is None else self.box

    @property
    def shape(self) -> Optional[Tuple[int, int]]:
        """Rows and columns of the micrographs; None where not known."""
        return None if self.height is None or self.width is None else (self.height, self.width)
