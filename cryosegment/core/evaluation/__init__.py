# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluation of picks and masks against a reference."""

from cryosegment.core.evaluation.intervals import differences
from cryosegment.core.evaluation.masks import MaskOutcome, compare_masks, join_masks
from cryosegment.core.evaluation.matching import Matching, match, ranked_hits
from cryosegment.core.evaluation.metrics import Scored, evaluate, score
from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels
from cryosegment.core.evaluation.rules import Ignored, Rules

__all__ = [
    "Ignored",
    "MaskOutcome",
    "Matching",
    "PixelCounts",
    "Rules",
    "Scored",
    "compare_masks",
    "count_pixels",
    "differences",
    "evaluate",
    "join_masks",
    "match",
    "ranked_hits",
    "score",
]
