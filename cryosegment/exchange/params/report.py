# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `report`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from cryosegment.exchange.params.fields import (
    DIAMETER_HELP,
    FILE,
    PATH,
    PIXEL_SIZE_HELP,
    SET_NAMES_HELP,
    Params,
    param,
)

FROM_RUN = "; if left out, that of the first picking run"


@dataclass(frozen=True)
class ReportParams(Params):
    """What a report on picks takes beside them."""

    micrographs: Tuple[str, ...] = param(
        (),
        "micrographs, a folder, a pattern or a list of them, for the mean image of the picks; may "
        "be given several times; if left out, those of the first picking run",
        **PATH,
    )
    diameter: Optional[float] = param(
        None, DIAMETER_HELP + FROM_RUN, "Å", minimum=1, maximum=100_000
    )
    pixel_size: Optional[float] = param(None, PIXEL_SIZE_HELP + FROM_RUN, "Å/px", minimum=0.01)
    ctf: str = param("", "STAR file with the defocus of the micrographs" + FROM_RUN, **FILE)
    radius: Optional[float] = param(
        None,
        "largest distance between picks of one particle in several sets; if left out, a quarter of "
        "the diameter",
        "Å",
        minimum=0.01,
    )
    names: Tuple[str, ...] = param((), SET_NAMES_HELP)
    refresh: Optional[int] = param(
        None,
        "write the page again after so long, until Ctrl-C, while a run goes on; a browser that "
        "shows it follows",
        "s",
        minimum=1,
    )
