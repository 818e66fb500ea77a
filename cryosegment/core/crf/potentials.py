# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairwise potentials of the dense CRF, and the messages they send.

With two labels and Potts compatibility the mean field is one scalar per pixel, v = 2 q - 1, and a
term of weight w and kernel K adds w K v to the logit. Kernels are normalised symmetrically,
D K D with D = diag(K 1)^(-1/2), and a pixel sends a message to itself: both as in pydensecrf, so
that weights have the same meaning in both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.filters import Width

Kernel = Callable[[Tensor], Tensor]
"""A symmetric linear map from a field `(h, w)` to a field `(h, w)`: one filtering engine."""


@dataclass(frozen=True)
class PairwiseTerm:
    """A weighted, normalised kernel.

    Parameters
    ----------
    weight
        Strength, in units of logits.
    kernel
        The filter, not normalised.
    scale
        Normalisation of each pixel; 0 for pixels that take no part.
    """

    weight: Width
    kernel: Kernel
    scale: Float[Tensor, "h w"]

    def message(self, field: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """What the term adds to the logits, given the field 2 q - 1."""
        return self.kernel(field * self.scale) * self.scale * self.weight


def pairwise_term(weight: Width, kernel: Kernel, valid: Float[Tensor, "h w"]) -> PairwiseTerm:
    """Term whose kernel is normalised over the valid pixels.

    Parameters
    ----------
    weight
        Strength, in units of logits (pydensecrf's Potts compatibility).
    kernel
        The filter, whose weight of a pixel for itself is about 1.
    valid
        1 for pixels that count, 0 for the others.

    Notes
    -----
    pydensecrf's NORMALIZE_SYMMETRIC.
    """
    return PairwiseTerm(weight, kernel, valid * kernel(valid).clamp(min=1e-20).rsqrt())


def conditional_logits(
    unary: Float[Tensor, "h w"], terms: Sequence[PairwiseTerm], field: Float[Tensor, "h w"]
) -> Float[Tensor, "h w"]:
    """Logits of every pixel when all pixels have the mean label `field`, in [-1, 1].

    Minus twice the gradient with respect to v of the relaxed energy -v.l/2 - v.Jv/4.

    Notes
    -----
    Krähenbühl & Koltun, NeurIPS 2011, eq. 6, for two labels.
    """
    return sum((term.message(field) for term in terms), start=unary)


def message(terms: Sequence[PairwiseTerm], field: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """The sum of all terms' messages; zero without terms."""
    return conditional_logits(torch.zeros_like(field), terms, field)
