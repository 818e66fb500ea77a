# SPDX-License-Identifier: GPL-3.0-or-later
"""The relaxed energy of a dense CRF, for two labels and for any number.

Every pixel holds a distribution over the labels. The energy is quadratic in it; minus its
gradient are the conditional logits of a pixel, given its unary and all other pixels. Solvers
use the energy only through this interface. Two labels with Potts compatibility need one scalar
per pixel; more labels, or another compatibility, one plane per label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.crf.potentials import PairwiseTerm, conditional_logits, message


@dataclass(frozen=True)
class BinaryEnergy:
    """Two labels with Potts compatibility; q is the probability of the second.

    With v = 2 q - 1, log-odds l and the sum J of all terms the energy is -v.l/2 - v.Jv/4, up to a
    constant the sum of -log p and of J_ij over pairs of different labels.

    Parameters
    ----------
    unary
        Log-odds of the second label.
    terms
        Pairwise terms.
    """

    unary: Float[Tensor, "h w"]
    terms: Sequence[PairwiseTerm]

    def start(self) -> Float[Tensor, "h w"]:
        """The distributions of the unary alone."""
        return torch.sigmoid(self.unary)

    def conditional(self, q: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """Minus the gradient."""
        return conditional_logits(self.unary, self.terms, 2 * q - 1)

    def slope(self, direction: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """The change of `conditional` along a direction."""
        return conditional_logits(torch.zeros_like(direction), self.terms, 2 * direction)

    def value(self, q: Float[Tensor, "h w"], logits: Float[Tensor, "h w"]) -> Float[Tensor, ""]:
        """The energy at q."""
        return -_dot(2 * q - 1, self.unary + logits) / 4

    def soft(self, logits: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """The q that minimises -<logits, q> less its entropy."""
        return torch.sigmoid(logits)

    def sparse(self, logits: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """The q that minimises -<logits, q> plus half its squared norm."""
        return (0.5 + logits / 2).clamp(0, 1)

    def sharp(self, logits: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """The q that minimises -<logits, q>: 0 or 1."""
        return (logits > 0).to(logits)

    def stepped(
        self, q: Float[Tensor, "h w"], logits: Float[Tensor, "h w"]
    ) -> Float[Tensor, "h w"]:
        """A unit step along the conditional logits, projected on the distributions."""
        return (q + logits / 2).clamp(0, 1)

    def entropy(self, q: Float[Tensor, "h w"]) -> Float[Tensor, ""]:
        """Entropy of all pixels, in nats."""
        return (torch.special.entr(q) + torch.special.entr(1 - q)).sum(dtype=torch.float64)

    def half_square(self, q: Float[Tensor, "h w"]) -> Float[Tensor, ""]:
        """Half the squared norm of all distributions."""
        return (_dot(q, q) + _dot(1 - q, 1 - q)) / 2


@dataclass(frozen=True)
class LabelEnergy:
    """Any number of labels; q holds a plane per label.

    The energy is U.q + q.(compatibility x J) q / 2.

    Parameters
    ----------
    unary
        U, minus the logarithm of each label's probability; a constant per pixel does not matter.
    terms
        Pairwise terms.
    compatibility
        Symmetric matrix of the costs of pairs of labels; Potts: 0 on the diagonal, else 1.
    """

    unary: Float[Tensor, "k h w"]
    terms: Sequence[PairwiseTerm]
    compatibility: Float[Tensor, "k k"]

    def start(self) -> Float[Tensor, "k h w"]:
        """The distributions of the unary alone."""
        return torch.softmax(-self.unary, 0)

    def conditional(self, q: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
        """Minus the gradient."""
        return self.slope(q) - self.unary

    def slope(self, direction: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
        """The change of `conditional` along a direction."""
        heard = torch.stack([message(self.terms, plane) for plane in direction])
        return -torch.einsum("kl,lhw->khw", self.compatibility.to(heard), heard)

    def value(self, q: Float[Tensor, "k h w"], logits: Float[Tensor, "k h w"]) -> Float[Tensor, ""]:
        """The energy at q."""
        return _dot(q, self.unary - logits) / 2

    def soft(self, logits: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
        """The q that minimises -<logits, q> less its entropy."""
        return torch.softmax(logits, 0)

    def sparse(self, logits: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
        """The q that minimises -<logits, q> plus half its squared norm."""
        return sparsemax(logits)

    def sharp(self, logits: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
        """All mass on the best label."""
        best = logits.argmax(0, keepdim=True)
        return torch.zeros_like(logits).scatter(0, best, 1.0)

    def stepped(
        self, q: Float[Tensor, "k h w"], logits: Float[Tensor, "k h w"]
    ) -> Float[Tensor, "k h w"]:
        """A unit step along the conditional logits, projected on the distributions."""
        return sparsemax(q + logits)

    def entropy(self, q: Float[Tensor, "k h w"]) -> Float[Tensor, ""]:
        """Entropy of all pixels, in nats."""
        return torch.special.entr(q).sum(dtype=torch.float64)

    def half_square(self, q: Float[Tensor, "k h w"]) -> Float[Tensor, ""]:
        """Half the squared norm of all distributions."""
        return _dot(q, q) / 2


Energy = BinaryEnergy | LabelEnergy
"""The energies that solvers minimise; both have the same methods."""


def potts(labels: int) -> Float[Tensor, "k k"]:
    """Compatibility that costs 1 for every pair of different labels."""
    return 1 - torch.eye(labels)


def sparsemax(values: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
    """The nearest distribution over the labels, pixel by pixel.

    Notes
    -----
    Martins & Astudillo, ICML 2016, algorithm 1.
    """
    falling = values.sort(0, descending=True).values
    rank = torch.arange(1, len(values) + 1).to(values)[:, None, None]
    excess = falling.cumsum(0) - 1
    support = (rank * falling > excess).sum(0, keepdim=True)
    threshold = excess.gather(0, support - 1) / support
    return (values - threshold).clamp(min=0)


def _dot(first: Tensor, second: Tensor) -> Float[Tensor, ""]:
    """Scalar product, in double precision: energies of a megapixel differ in the last digits."""
    return (first * second).sum(dtype=torch.float64)
