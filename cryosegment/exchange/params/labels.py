# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `labels`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from cryosegment.exchange.params.fields import (
    DIAMETER_HELP,
    PATH,
    PIXEL_SIZE_HELP,
    REQUIRED,
    RESUME_HELP,
    Y_UP_HELP,
    Params,
    param,
)


@dataclass(frozen=True)
class LabelsCoordinatesParams(Params):
    """Coordinates to label maps of discs."""

    coordinates: str = param(REQUIRED, "coordinate file, or folder of them", **PATH)
    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: Optional[float] = param(
        None, PIXEL_SIZE_HELP + "; left out: from the file's header", "Å/px", minimum=0.01
    )
    y_up: bool = param(False, Y_UP_HELP)
    unknown_ring: float = param(
        0.1,
        "width of the ring around a disc that counts as unknown, in diameters",
        minimum=0,
        maximum=1,
    )
    resume: bool = param(False, RESUME_HELP)
