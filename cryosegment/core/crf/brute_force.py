# SPDX-License-Identifier: GPL-3.0-or-later
"""The exact dense CRF: kernels as full matrices, and sums over every labelling.

A labelling s of n pixels, each -1 or 1, has the energy
-sum_i l_i s_i / 2 - sum_{i<j} J_ij s_i s_j / 2: log-odds l and Potts potentials
J_ij [s_i != s_j], up to a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from cryosegment.core.crf.filters import Width
from cryosegment.core.crf.potentials import PairwiseTerm, mean_label, message
from cryosegment.exchange.errors import InputError

MOST_PIXELS = 20  # a million labellings


@dataclass(frozen=True)
class DenseKernel:
    """Exact engine for small images: the kernel as an `(n, n)` matrix over all pixels."""

    matrix: Float[Tensor, "n n"]

    def __call__(self, field: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """The filtered field."""
        return (self.matrix @ field.reshape(-1)).view(field.shape)


def dense_kernel(
    feature: Float[Tensor, "h w"],
    sigma: Width,
    feature_sigma: Width = float("inf"),
) -> DenseKernel:
    """Kernel exp(-|p_i - p_j|^2 / 2 sigma^2 - (f_i - f_j)^2 / 2 feature_sigma^2).

    Parameters
    ----------
    feature
        Scalar feature per pixel.
    sigma
        Standard deviation in space, px.
    feature_sigma
        Standard deviation in the feature, in its unit; infinite: position alone counts.
    """
    height, width = feature.shape
    rows = torch.arange(height, dtype=feature.dtype, device=feature.device)
    columns = torch.arange(width, dtype=feature.dtype, device=feature.device)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    points = torch.stack((y / sigma, x / sigma, feature / feature_sigma), dim=-1).reshape(-1, 3)
    squared = (points[:, None] - points).square().sum(-1)
    return DenseKernel(torch.exp(-0.5 * squared))


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
    """Every labelling by -1 and 1.

    Raises
    ------
    InputError
        If there are more than 20 pixels.
    """
    if pixels > MOST_PIXELS:
        raise InputError(f"expected at most {MOST_PIXELS} pixels to enumerate, got {pixels}")
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
    """Logarithm of the partition function, and each pixel's probability of label 1.

    Raises
    ------
    InputError
        If there are more than 20 pixels.
    """
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
    return energies(unary, coupling, mean_label(logits)[None])[0] - entropy
