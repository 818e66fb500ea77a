# SPDX-License-Identifier: GPL-3.0-or-later
"""The file `evaluation.json` in the output folder of `evaluate`: figures, curves and marks."""

from cryosegment.exchange.evaluation.evaluation import (
    Difference,
    Evaluation,
    SetEvaluation,
)
from cryosegment.exchange.evaluation.figures import (
    ALONE,
    DUPLICATE,
    IGNORED,
    OVERALL,
    PAIRED,
    BoxMetrics,
    Curve,
    DistanceMetrics,
    Figures,
    MaskMetrics,
    MicrographMetrics,
    ParticleMetrics,
    PixelMetrics,
    ReliabilityBin,
)
from cryosegment.exchange.evaluation.file import (
    EVALUATION_NAME,
    as_json,
    read_evaluation,
    write_evaluation,
)
from cryosegment.exchange.evaluation.marked import Marked, read_marked, read_picks
from cryosegment.exchange.evaluation.tables import MASKS_NAME, TABLE_NAME, write_tables

CONTENTS = (EVALUATION_NAME, TABLE_NAME, MASKS_NAME)
"""What an evaluation leaves in its folder, page and job apart."""

__all__ = [
    "ALONE",
    "CONTENTS",
    "DUPLICATE",
    "EVALUATION_NAME",
    "IGNORED",
    "MASKS_NAME",
    "OVERALL",
    "PAIRED",
    "TABLE_NAME",
    "BoxMetrics",
    "Curve",
    "Difference",
    "DistanceMetrics",
    "Evaluation",
    "Figures",
    "Marked",
    "MaskMetrics",
    "MicrographMetrics",
    "ParticleMetrics",
    "PixelMetrics",
    "ReliabilityBin",
    "SetEvaluation",
    "as_json",
    "read_evaluation",
    "read_marked",
    "read_picks",
    "write_evaluation",
    "write_tables",
]
