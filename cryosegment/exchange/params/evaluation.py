# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `evaluate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import (
    DIAMETER_HELP,
    PATH,
    PIXEL_SIZE_HELP,
    REQUIRED,
    Params,
    param,
)


@dataclass(frozen=True)
class EvaluateParams(Params):
    """What is compared, and when a pick counts as correct."""

    picks: str = param(REQUIRED, "coordinate file of the picks, or a folder of such files", **PATH)
    reference: str = param(
        REQUIRED, "coordinate file of the reference, or a folder of such files", **PATH
    )
    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: float = param(REQUIRED, PIXEL_SIZE_HELP, "Å/px", minimum=0.01)
    tolerance: float = param(
        0.25,
        "largest distance of a correct pick from the reference, in particle diameters",
        minimum=0.001,
        maximum=10,
    )
    json: bool = param(False, "print the result as JSON")
    y_up: bool = param(
        False, "the y axis of the reference points up: y counts from the last row; needs --height"
    )
    height: Optional[int] = param(None, "height of the micrographs, for --y-up", "px", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.y_up and self.height is None:
            raise ParameterError(
                "a y axis that points up needs the height of the micrographs: give --height"
            )
