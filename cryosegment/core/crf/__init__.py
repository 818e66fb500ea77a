# SPDX-License-Identifier: GPL-3.0-or-later
"""Dense CRF of two labels: logits refined by what near and similar pixels say."""

from cryosegment.core.crf.refine import crf_feature, refine_logits

__all__ = ["crf_feature", "refine_logits"]
