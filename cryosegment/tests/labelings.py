# SPDX-License-Identifier: GPL-3.0-or-later
"""A dense CRF by sums over every labelling, an oracle of its solvers.

A labelling s of n pixels, each -1 or 1, has the energy
-sum_i l_i s_i / 2 - sum_{i<j} J_ij s_i s_j / 2: log-odds l and Potts potentials
J_ij [s_i != s_j], up to a constant.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from cryosegment.core.crf.potentials import PairwiseTerm, message


def coupling_matrix(terms: Sequence[PairwiseTerm], height: int, width: int) -> Float[Tensor, "n n"]:
    """J: what the label of every pixel adds to the logit of every pixel, for any engine.

    Parameters
    ----------
    terms
        Pairwise terms, at least one.
    height, width
        Size of the image, in pixels.
    """
    fields = torch.eye(height * width).to(terms[0].scale).view(-1, height, width)
    return torch.stack([message(terms, field).reshape(-1) for field in fields])


def all_labelings(pixels: int) -> Float[Tensor, "labelings pixels"]:
    """Every labelling by -1 and 1, of at most some 20 pixels."""
    number = torch.arange(2**pixels)
    return ((number[:, None] >> torch.arange(pixels)) & 1).double() * 2 - 1


def energies(
    unary: Float[Tensor, " n"], coupling: Float[Tensor, "n n"], labels: Float[Tensor, "m n"]
) -> Float[Tensor, " m"]:
    """Energy of each labelling.

    Parameters
    ----------
    unary
        Log-odds of label 1.
    coupling
        Symmetric J; its diagonal does not matter.
    labels
        Labellings by -1 and 1.
    """
    between = coupling - torch.diag(coupling.diagonal())
    return -0.5 * labels @ unary - 0.25 * ((labels @ between) * labels).sum(1)


def exact_inference(
    unary: Float[Tensor, " n"], coupling: Float[Tensor, "n n"]
) -> tuple[Float[Tensor, ""], Float[Tensor, " n"]]:
    """Logarithm of the partition function, and each pixel's probability of label 1."""
    labels = all_labelings(len(unary)).to(unary)
    log_weight = -energies(unary, coupling, labels)
    log_partition = log_weight.logsumexp(0)
    return log_partition, (log_weight - log_partition).exp() @ (labels + 1) / 2


def free_energy(
    unary: Float[Tensor, " n"], coupling: Float[Tensor, "n n"], logits: Float[Tensor, " n"]
) -> Float[Tensor, ""]:
    """Mean energy less entropy of independent pixels; never below -log of the partition function.

    Parameters
    ----------
    unary
        Log-odds of label 1.
    coupling
        Symmetric J; its diagonal does not matter.
    logits
        Log-odds of label 1 in the distribution.

    Notes
    -----
    Gibbs' inequality; Wainwright & Jordan 2008, section 5.
    """
    q = torch.sigmoid(logits)
    entropy = -(q * logsigmoid(logits) + (1 - q) * logsigmoid(-logits)).sum()
    return energies(unary, coupling, (2 * q - 1)[None])[0] - entropy
