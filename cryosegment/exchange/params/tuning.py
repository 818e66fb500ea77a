# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `tune`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from cryosegment.exchange.model_files import GENERAL
from cryosegment.exchange.params.fields import (
    AUTO,
    FILE,
    MODEL_HELP,
    MODEL_PATH,
    ONE_GPU_HELP,
    THREADS_HELP,
    Params,
    param,
)
from cryosegment.exchange.params.front_end import CTF_HELP
from cryosegment.exchange.params.picking import SAM_HELP
from cryosegment.exchange.parts import CENTER_FINDERS, HEAT_MAP

F1, AVERAGE_PRECISION = "f1", "average-precision"


@dataclass(frozen=True)
class TuneParams(Params):
    """How the picking parameters that suit labelled micrographs are searched."""

    model: str = param(GENERAL, MODEL_HELP, **MODEL_PATH)
    centers: Tuple[str, ...] = param(
        (HEAT_MAP,),
        "methods of finding centres to try",
        choices=tuple(CENTER_FINDERS),
        metavar="FINDER",
    )
    sam: str = param("", SAM_HELP, metavar="DIR", is_path=True)
    score: str = param(
        F1, "what is maximised; the threshold always maximises F1", choices=(F1, AVERAGE_PRECISION)
    )
    folds: int = param(5, "folds of the cross-validation over the micrographs", minimum=2)
    ctf: str = param("", CTF_HELP, **FILE)
    gpu: str = param(AUTO, ONE_GPU_HELP, metavar="ID", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
