# SPDX-License-Identifier: GPL-3.0-or-later
"""Logits refined by a dense CRF, and the feature that its appearance kernel compares."""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cryosegment.core.crf.bilateral_grid import bilateral_grid
from cryosegment.core.crf.filters import gaussian_filter
from cryosegment.core.crf.mean_field import mean_field
from cryosegment.core.crf.potentials import PairwiseTerm, pairwise_term
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import CrfParams

CERTAIN = 1e4  # an infinite logit counts as this


def refine_logits(
    logits: Float[Tensor, "h w"],
    feature: Float[Tensor, "h w"] | None,
    params: CrfParams,
    valid: Bool[Tensor, "h w"] | None = None,
) -> Float[Tensor, "h w"]:
    """Log-odds of particle after mean-field inference; finite whatever comes in.

    Parameters
    ----------
    logits
        Log-odds of particle. NaN counts as no evidence (0); the neighbours then decide.
    feature
        What the bilateral kernel compares, as `crf_feature` makes it. Where it is NaN, that
        kernel is left out.
    params
        Weights, reaches in pixels, number of iterations.
    valid
        Pixels that take part; the others keep their logits. None: all.

    Raises
    ------
    InputError
        If there is no feature where the parameters ask for one.

    Notes
    -----
    Krähenbühl & Koltun, NeurIPS 2011. Weights mean what they mean in pydensecrf.
    """
    unary = torch.nan_to_num(_at_least_single(logits), posinf=CERTAIN, neginf=-CERTAIN)
    if valid is None:
        valid = torch.ones_like(unary, dtype=torch.bool)
    terms = _pairwise_terms(feature, params, valid.to(unary))
    return mean_field(unary, terms, params.iterations)


def crf_feature(
    params: CrfParams, image: Float[Tensor, "h w"], logits: Float[Tensor, "h w"]
) -> Float[Tensor, "h w"] | None:
    """What the bilateral kernel compares: low-passed image, logits, or nothing.

    Parameters
    ----------
    params
        Which feature; `intensity_sigma` (px) is the low-pass of the image.
    image
        Working image, mean 0 and standard deviation 1; NaN counts as 0.
    logits
        Log-odds of particle.
    """
    if params.feature == "none":
        return None
    if params.feature == "logits":
        return _at_least_single(logits)
    values = torch.nan_to_num(_at_least_single(image))
    weight = gaussian_filter(torch.ones_like(values), params.intensity_sigma)
    return gaussian_filter(values, params.intensity_sigma) / weight


def _at_least_single(values: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    return values if values.dtype == torch.float64 else values.float()


def _pairwise_terms(
    feature: Float[Tensor, "h w"] | None, params: CrfParams, valid: Float[Tensor, "h w"]
) -> list[PairwiseTerm]:
    terms = []
    if params.gaussian_weight > 0:
        kernel = partial(gaussian_filter, sigma=params.gaussian_sigma)
        terms.append(pairwise_term(params.gaussian_weight, kernel, valid))
    if params.bilateral_weight > 0 and params.feature != "none":
        terms += _bilateral_terms(feature, params, valid)
    return terms


def _bilateral_terms(
    feature: Float[Tensor, "h w"] | None, params: CrfParams, valid: Float[Tensor, "h w"]
) -> list[PairwiseTerm]:
    if feature is None:
        raise InputError(f"expected the feature {params.feature}, got none: use crf_feature")
    values = feature.to(valid)
    known = valid * ~values.isnan()
    if not known.any():
        return []
    kernel = bilateral_grid(values, params.bilateral_sigma, params.feature_sigma, known > 0)
    return [pairwise_term(params.bilateral_weight, kernel, known)]
