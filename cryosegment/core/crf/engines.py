# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines that apply a kernel, and the pairwise terms of a CRF made with one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cryosegment.core.crf.bilateral_grid import bilateral_grid
from cryosegment.core.crf.exact import dense_kernel
from cryosegment.core.crf.potentials import Kernel, PairwiseTerm, pairwise_term
from cryosegment.core.crf.windows import window_kernel
from cryosegment.core.filters import Width, gaussian_filter
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import CrfParams

EXACT_PIXELS = 10_000
"""Largest image of the exact engine: its matrix then takes 400 MB."""

LARGEST = 1e30
"""Infinite features count as this."""


@dataclass(frozen=True)
class KernelSpec:
    """One kernel, for any engine.

    Parameters
    ----------
    weight
        Strength, in logits.
    sigma
        Standard deviation in space, px.
    plane
        Feature that it compares, NaN where there is none; None: position alone.
    feature_sigma
        Standard deviation in the feature, in its unit.
    """

    weight: Width
    sigma: Width
    plane: Float[Tensor, "h w"] | None = None
    feature_sigma: Width = float("inf")


def kernel_specs(
    params: CrfParams, features: Mapping[str, Float[Tensor, "_ h w"]]
) -> list[KernelSpec]:
    """The kernels of a CRF, without those of weight 0.

    A feature of several planes becomes one kernel per plane, which share its weight: a sum of
    kernels of one number each, not one kernel of several.

    Raises
    ------
    InputError
        If a feature is missing.
    """
    specs = []
    if params.gaussian_weight > 0:
        specs.append(KernelSpec(params.gaussian_weight, params.gaussian_sigma))
    for term in params.appearance_terms():
        if term.weight == 0:
            continue
        if term.feature not in features:
            raise InputError(
                f"expected the feature {term.feature}, got {', '.join(features) or 'none'}: "
                "use crf_features"
            )
        planes = features[term.feature]
        weight = term.weight / len(planes)
        specs += [KernelSpec(weight, term.sigma, plane, term.feature_sigma) for plane in planes]
    return specs


def pairwise_terms(
    specs: list[KernelSpec], engine: str, valid: Float[Tensor, "h w"]
) -> list[PairwiseTerm]:
    """The pairwise terms of kernels, without those that have no valid pixel.

    Parameters
    ----------
    specs
        The kernels.
    engine
        A key of `KERNELS`.
    valid
        1 for pixels that count, 0 for the others.

    Raises
    ------
    InputError
        If the image is too large for the engine.
    """
    terms = []
    for spec in specs:
        plane = torch.zeros_like(valid) if spec.plane is None else spec.plane.to(valid)
        plane = plane.clamp(-LARGEST, LARGEST)
        known = valid * ~plane.isnan()
        if known.any():
            kernel = KERNELS[engine](spec, plane, known > 0)
            terms.append(pairwise_term(spec.weight, kernel, known))
    return terms


def _grid(spec: KernelSpec, plane: Float[Tensor, "h w"], known: Bool[Tensor, "h w"]) -> Kernel:
    if spec.plane is None:
        return partial(gaussian_filter, sigma=spec.sigma)
    return bilateral_grid(plane, spec.sigma, spec.feature_sigma, known)


def _exact(spec: KernelSpec, plane: Float[Tensor, "h w"], known: Bool[Tensor, "h w"]) -> Kernel:
    if plane.numel() > EXACT_PIXELS:
        raise InputError(
            f"expected at most {EXACT_PIXELS} px for the exact engine, got {plane.numel()}: use "
            "the engine grid"
        )
    return dense_kernel(torch.where(known, plane, 0.0), spec.sigma, spec.feature_sigma)


def _windows(spec: KernelSpec, plane: Float[Tensor, "h w"], known: Bool[Tensor, "h w"]) -> Kernel:
    return window_kernel(torch.where(known, plane, 0.0), spec.sigma, spec.feature_sigma)


KERNELS: Mapping[str, Callable[[KernelSpec, Float[Tensor, "h w"], Bool[Tensor, "h w"]], Kernel]] = {
    "grid": _grid,
    "exact": _exact,
    "windows": _windows,
}
