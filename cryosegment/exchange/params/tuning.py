# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `tune`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from cryosegment.exchange.params.fields import (
    MODEL_PATH,
    ONE_GPU_HELP,
    PATH,
    THREADS_HELP,
    Params,
    param,
)
from cryosegment.exchange.params.front_end import CTF_HELP
from cryosegment.exchange.params.picking import CENTERS, HEAT_MAP

F1, AVERAGE_PRECISION = "f1", "average-precision"


@dataclass(frozen=True)
class TuneParams(Params):
    """Labelled micrographs to a model whose card says how to pick them."""

    model: str = param(
        "general", "model file, or general for the one that is shipped", **MODEL_PATH
    )
    centers: Tuple[str, ...] = param(
        (HEAT_MAP,), "centre finders to try", choices=CENTERS, metavar="FINDER"
    )
    score: str = param(
        F1, "what is made highest; the threshold follows F1", choices=(F1, AVERAGE_PRECISION)
    )
    folds: int = param(
        5, "parts of the micrographs, each judged by settings chosen on the others", minimum=2
    )
    ctf: str = param("", CTF_HELP, **PATH)
    gpu: str = param("auto", ONE_GPU_HELP, metavar="ID")
    threads: int = param(0, THREADS_HELP, minimum=0)
