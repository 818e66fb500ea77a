# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluation of picks and masks against a reference."""

from cryosegment.core.evaluation.matching import Matching, match, ranked_hits
from cryosegment.core.evaluation.metrics import Curve, Evaluation, ParticleMetrics, evaluate
from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels
from cryosegment.core.evaluation.report import evaluation_to_dict, write_report

__all__ = [
    "Curve",
    "Evaluation",
    "Matching",
    "ParticleMetrics",
    "PixelCounts",
    "count_pixels",
    "evaluate",
    "evaluation_to_dict",
    "match",
    "ranked_hits",
    "write_report",
]
