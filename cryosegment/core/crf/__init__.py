# SPDX-License-Identifier: GPL-3.0-or-later
"""Dense CRF: logits refined by those of near and similar pixels."""

from cryosegment.core.crf.features import crf_features
from cryosegment.core.crf.refine import refine_labels, refine_logits

__all__ = ["crf_features", "refine_labels", "refine_logits"]
