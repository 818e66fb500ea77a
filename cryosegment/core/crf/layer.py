# SPDX-License-Identifier: GPL-3.0-or-later
"""The CRF as a trainable layer: weights and standard deviations of its kernels are learned.

Gradients reach the network through the unary and through the features of its kernels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cryosegment.core.crf.energy import BinaryEnergy, Energy, LabelEnergy, potts
from cryosegment.core.crf.engines import KernelSpec, pairwise_terms
from cryosegment.core.crf.potentials import PairwiseTerm
from cryosegment.core.crf.solvers import solve
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import AppearanceTerm, CrfParams

DIFFERENTIABLE = ("mean-field", "entropic", "l2")  # labels of the others have no gradient

Batch = Mapping[str, Float[Tensor, "b _ h w"]]
"""Features by name, for every image of a batch."""


class LearnedKernels(nn.Module):
    """The kernels of a CRF as parameters, held as logarithms.

    Parameters
    ----------
    params
        Initial values. Kernels of weight 0 are left out; solver, engine, iterations and
        temperature are not learned.

    Raises
    ------
    ParameterError
        If the solver or the engine has no gradient.
    """

    def __init__(self, params: CrfParams) -> None:
        super().__init__()
        if params.solver not in DIFFERENTIABLE or params.engine == "pydensecrf":
            raise ParameterError(
                f"expected one of the solvers {', '.join(DIFFERENTIABLE)} and an engine other than "
                f"pydensecrf to train through, got {params.solver} and {params.engine}"
            )
        terms = [term for term in params.appearance_terms() if term.weight > 0]
        self.params = replace(params, appearance=tuple(map(str, terms)))
        gaussian = [[params.gaussian_weight, params.gaussian_sigma]]
        gaussian = gaussian if params.gaussian_weight > 0 else []
        rows = [[term.weight, term.sigma, term.feature_sigma] for term in terms]
        self.gaussian = nn.Parameter(torch.tensor(gaussian).reshape(-1, 2).log())
        self.appearance = nn.Parameter(torch.tensor(rows).reshape(-1, 3).log())

    def terms(
        self, features: Mapping[str, Float[Tensor, "_ h w"]], like: Float[Tensor, "h w"]
    ) -> list[PairwiseTerm]:
        """The pairwise terms of an image, through which gradients reach the parameters."""
        specs = [KernelSpec(*row) for row in self.gaussian.exp().to(like)]
        rows = self.appearance.exp().to(like)
        for term, (weight, sigma, feature_sigma) in zip(self.params.appearance_terms(), rows):
            planes = features[term.feature]
            specs += [
                KernelSpec(weight / len(planes), sigma, plane, feature_sigma) for plane in planes
            ]
        return pairwise_terms(specs, self.params.engine, torch.ones_like(like))

    def solved(self, energy: Energy) -> Tensor:
        """Refined logits, on the network's scale."""
        params = self.params
        solution = solve(energy, params.solver, params.iterations, params.regularization)
        return solution.logits * params.temperature

    def learned(self) -> CrfParams:
        """The kernels as learned so far, for a model card."""
        rows = self.appearance.detach().exp().tolist()
        terms = [
            AppearanceTerm(term.feature, *row)
            for term, row in zip(self.params.appearance_terms(), rows)
        ]
        found = replace(self.params, appearance=tuple(map(str, terms)))
        for row in self.gaussian.detach().exp().tolist():
            weight, sigma = (float(f"{value:.6g}") for value in row)
            found = replace(found, gaussian_weight=weight, gaussian_sigma=sigma)
        return found


class CrfLayer(nn.Module):
    """A CRF of two labels with Potts compatibility.

    Parameters
    ----------
    params
        Initial values of its kernels.

    Raises
    ------
    ParameterError
        If the solver or the engine has no gradient.

    Notes
    -----
    Zheng et al., ICCV 2015; with logits as feature the CD-CRF of Chung & Chou, 2025.
    """

    def __init__(self, params: CrfParams) -> None:
        super().__init__()
        self.kernels = LearnedKernels(params)

    def forward(self, logits: Float[Tensor, "b h w"], features: Batch) -> Float[Tensor, "b h w"]:
        """Refined log-odds of the second label.

        Parameters
        ----------
        logits
            Log-odds of the second label.
        features
            Features of the appearance kernels.
        """
        temperature = self.kernels.params.temperature
        refined = []
        for index, one in enumerate(logits):
            terms = self.kernels.terms({name: f[index] for name, f in features.items()}, one)
            refined.append(self.kernels.solved(BinaryEnergy(one / temperature, terms)))
        return torch.stack(refined)


class LabelCrfLayer(nn.Module):
    """A CRF of any number of labels that also learns the costs of pairs of labels.

    Parameters
    ----------
    params
        Initial values of its kernels.
    labels
        Number of labels; the compatibility starts as Potts and stays symmetric.

    Raises
    ------
    ParameterError
        If the solver or the engine has no gradient.
    """

    def __init__(self, params: CrfParams, labels: int) -> None:
        super().__init__()
        self.kernels = LearnedKernels(params)
        self.costs = nn.Parameter(potts(labels))

    @property
    def compatibility(self) -> Float[Tensor, "k k"]:
        """Costs of pairs of labels, in units of the weights of the kernels."""
        return (self.costs + self.costs.T) / 2

    def forward(
        self, logits: Float[Tensor, "b k h w"], features: Batch
    ) -> Float[Tensor, "b k h w"]:
        """Refined logits of every label.

        Parameters
        ----------
        logits
            Of every label.
        features
            Features of the appearance kernels.
        """
        temperature = self.kernels.params.temperature
        refined = []
        for index, one in enumerate(logits):
            terms = self.kernels.terms({name: f[index] for name, f in features.items()}, one[0])
            energy = LabelEnergy(-one / temperature, terms, self.compatibility)
            refined.append(self.kernels.solved(energy))
        return torch.stack(refined)
