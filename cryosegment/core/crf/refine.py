# SPDX-License-Identifier: GPL-3.0-or-later
"""Logits refined by a dense CRF: two labels, or any number."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cryosegment.core.crf.densecrf import pydensecrf_logits
from cryosegment.core.crf.energy import BinaryEnergy, Energy, LabelEnergy, potts
from cryosegment.core.crf.engines import kernel_specs, pairwise_terms
from cryosegment.core.crf.solvers import Solution, solve
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import CrfParams

CERTAIN = 1e4  # an infinite logit counts as this
Features = Mapping[str, Float[Tensor, "_ h w"]]


def refine_logits(
    logits: Float[Tensor, "h w"],
    features: Features,
    params: CrfParams,
    valid: Bool[Tensor, "h w"] | None = None,
) -> Float[Tensor, "h w"]:
    """Log-odds of particle after the CRF, on the scale of the network's logits; always finite.

    Parameters
    ----------
    logits
        Log-odds of particle. NaN counts as no evidence (0); the neighbours then decide.
    features
        Features of the appearance kernels, as made by `crf_features`. Where one is NaN, its
        kernel is left out.
    params
        Kernels, solver and engine.
    valid
        Pixels that take part; the others keep their logits. None: all.

    Raises
    ------
    InputError
        If a feature is missing, or the image is too large for the engine.
    ParameterError
        If the engine is not installed.

    Notes
    -----
    Krähenbühl & Koltun, NeurIPS 2011. Weights have the same meaning as in pydensecrf. The refined
    logits are multiplied by the temperature again, so that thresholds keep their meaning.

    Examples
    --------
    A pixel that contradicts its neighbours gives way:

    >>> logits = torch.ones(9, 9)
    >>> logits[4, 4] = -1
    >>> bool(refine_logits(logits, {}, CrfParams(gaussian_weight=3.0))[4, 4] > 0)
    True
    """
    unary = _finite(logits) / params.temperature
    known = _known(valid, unary)
    specs = kernel_specs(params, features)
    if params.engine == "pydensecrf":
        energies = torch.stack([torch.zeros_like(unary), -unary])
        labels = pydensecrf_logits(energies, specs, params.iterations, known)
        refined = torch.where(known > 0, labels[1] - labels[0], unary)
    else:
        terms = pairwise_terms(specs, params.engine, known)
        refined = _solve(BinaryEnergy(unary, terms), params).logits
    return refined * params.temperature


def refine_labels(
    logits: Float[Tensor, "k h w"],
    features: Features,
    params: CrfParams,
    valid: Bool[Tensor, "h w"] | None = None,
    compatibility: Float[Tensor, "k k"] | None = None,
) -> Float[Tensor, "k h w"]:
    """Logits of any number of labels after the CRF; always finite.

    Parameters
    ----------
    logits
        Of each label; NaN counts as 0.
    features, params, valid
        As for two labels.
    compatibility
        Costs of pairs of labels, in units of the weights of the kernels; symmetric. None: Potts.

    Raises
    ------
    InputError
        If a feature is missing, or the image is too large for the engine.
    ParameterError
        If the engine is not installed, or supports only Potts compatibility.
    """
    unary = -_finite(logits) / params.temperature
    known = _known(valid, unary[0])
    specs = kernel_specs(params, features)
    if params.engine == "pydensecrf":
        if compatibility is not None:
            raise ParameterError(
                "expected Potts compatibility with the engine pydensecrf, got another: use the "
                "engine grid"
            )
        found = pydensecrf_logits(unary, specs, params.iterations, known)
        refined = torch.where(known > 0, found, -unary)
    else:
        pairs = potts(len(logits)) if compatibility is None else compatibility
        terms = pairwise_terms(specs, params.engine, known)
        refined = _solve(LabelEnergy(unary, terms, pairs), params).logits
    return refined * params.temperature


def _solve(energy: Energy, params: CrfParams) -> Solution:
    tolerance = params.tolerance or None
    return solve(energy, params.solver, params.iterations, params.regularization, tolerance)


def _finite(logits: Tensor) -> Tensor:
    """Logits of at least single precision without NaN and infinities."""
    values = logits if logits.dtype == torch.float64 else logits.float()
    return torch.nan_to_num(values, posinf=CERTAIN, neginf=-CERTAIN)


def _known(valid: Bool[Tensor, "h w"] | None, unary: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    return torch.ones_like(unary) if valid is None else valid.to(unary)
