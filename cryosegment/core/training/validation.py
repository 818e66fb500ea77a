# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of a picking network."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.training.fit.settings import Validation
from cryosegment.core.tuning.thresholds import best_threshold, count_hits

THRESHOLD = "threshold"
"""What is noted with the F1: the threshold that gives it."""


def best_f1(
    network: nn.Module, images: Sequence[LabelledImage], labelled_share: float = 1.0
) -> Validation:
    """The highest F1 over all images at a single threshold, and that threshold.

    Parameters
    ----------
    network
        In evaluation mode.
    images
        Labelled images.
    labelled_share
        Fraction of the particles that is labelled.
    """
    f1, threshold = best_threshold(count_hits(network, images), labelled_share)
    return Validation(f1, {THRESHOLD: threshold})
