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
    """Picks against reference coordinates."""

    picks: str = param(REQUIRED, "picks: a coordinate file, or a folder", **PATH)
    reference: str = param(REQUIRED, "reference: a coordinate file, or a folder", **PATH)
    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: float = param(REQUIRED, PIXEL_SIZE_HELP, "Å/px", minimum=0.01)
    tolerance: float = param(
        0.25, "distance at which a pick counts as right, in diameters", minimum=0.001, maximum=10
    )
    json: bool = param(False, "write the result as JSON to standard output")
    y_up: bool = param(False, "the reference counts y from the last row; needs --height")
    height: Optional[int] = param(None, "rows of the micrographs, for y_up", "px", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.y_up and self.height is None:
            raise ParameterError(
                "y that counts from the last row needs the height of the micrographs: give --height"
            )
