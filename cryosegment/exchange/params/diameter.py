# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `diameter`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from cryosegment.exchange.model_files import GENERAL
from cryosegment.exchange.params.fields import (
    AUTO,
    HEADER_PIXEL_SIZE_HELP,
    MODEL_HELP,
    MODEL_PATH,
    ONE_GPU_HELP,
    THREADS_HELP,
    Params,
    param,
)


@dataclass(frozen=True)
class DiameterParams(Params):
    """How the particle diameter is estimated."""

    pixel_size: Optional[float] = param(None, HEADER_PIXEL_SIZE_HELP, "Å/px", minimum=0.01)
    model: str = param(GENERAL, MODEL_HELP, **MODEL_PATH)
    count: int = param(
        3, "number of micrographs to look at, evenly chosen from those given", minimum=1
    )
    json: bool = param(False, "print the result as JSON")
    gpu: str = param(AUTO, ONE_GPU_HELP, metavar="ID", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
