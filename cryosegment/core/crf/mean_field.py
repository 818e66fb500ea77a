# SPDX-License-Identifier: GPL-3.0-or-later
"""Mean-field inference of the two-label dense CRF."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.crf.potentials import PairwiseTerm, conditional_logits


def mean_field(
    unary: Float[Tensor, "h w"], terms: Sequence[PairwiseTerm], iterations: int
) -> Float[Tensor, "h w"]:
    """Logits after parallel mean-field updates, started from the unary alone.

    Parameters
    ----------
    unary
        Log-odds of particle against background.
    terms
        Pairwise terms; none leaves the unary as it is.
    iterations
        Number of updates of all pixels.

    Notes
    -----
    Krähenbühl & Koltun, NeurIPS 2011, algorithm 1.
    """
    logits = unary
    for _ in range(iterations):
        logits = conditional_logits(unary, terms, mean_label(logits))
    return logits


def mean_label(logits: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Expectation of a label that is -1 or 1."""
    return torch.sigmoid(logits) * 2 - 1
