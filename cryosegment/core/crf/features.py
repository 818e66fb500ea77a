# SPDX-License-Identifier: GPL-3.0-or-later
"""Features that appearance kernels compare: the denoised image, logits, network features."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.filters import gaussian_filter
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import CrfParams

NLM_STRENGTH = 0.8  # of the filter, in noise sd: the image's sd is 1, nearly all of it noise
NLM_TEMPLATE, NLM_SEARCH = 5, 15  # px; cost goes with their areas
NLM_RANGE = 4.0  # the image is clipped there, in sd
PRINCIPAL_COMPONENTS = 3
PCA_PIXELS = 20_000  # enough for the covariance of a few dozen channels


def crf_features(
    params: CrfParams,
    logits: Float[Tensor, "h w"],
    image: Float[Tensor, "h w"] | None = None,
    network_maps: Float[Tensor, "c h w"] | None = None,
) -> dict[str, Float[Tensor, "_ h w"]]:
    """The features of a CRF, by name.

    Parameters
    ----------
    params
        The CRF; its `intensity_sigma` (px) is the low-pass of the image.
    logits
        Log-odds of particle.
    image
        Working image, mean 0 and standard deviation 1; NaN counts as 0.
    network_maps
        Feature maps of the network.

    Raises
    ------
    InputError
        If the image or the maps are needed but missing.
    """
    sources: Mapping[str, Tensor | None] = {
        "intensity": image,
        "denoised": image,
        "logits": logits,
        "network": network_maps,
    }
    features = {}
    for name in params.features():
        source = sources[name]
        if source is None:
            raise InputError(
                f"the feature {name} needs what is not at hand here: choose the feature logits"
            )
        values = source if source.dtype == torch.float64 else source.float()
        if name == "intensity":
            values = gaussian_low_pass(torch.nan_to_num(values), params.intensity_sigma)
        elif name == "denoised":
            values = denoise(torch.nan_to_num(values))
        elif name == "network":
            values = principal_components(values)
        features[name] = values if values.ndim == 3 else values[None]
    return features


def gaussian_low_pass(image: Float[Tensor, "h w"], sigma: float) -> Float[Tensor, "h w"]:
    """The image after a Gaussian low-pass; pixels beyond the border do not count."""
    return gaussian_filter(image, sigma) / gaussian_filter(torch.ones_like(image), sigma)


def denoise(image: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Non-local means of an image of standard deviation 1.

    Notes
    -----
    Buades, Coll & Morel, CVPR 2005, as OpenCV has it: 8 bits, values clipped at 4 sd.
    """
    levels = 255 / (2 * NLM_RANGE)
    scaled = (image.detach().cpu().numpy().clip(-NLM_RANGE, NLM_RANGE) + NLM_RANGE) * levels
    bytes_in = np.ascontiguousarray(scaled.round(), dtype=np.uint8)
    strength = NLM_STRENGTH * levels
    found = cv2.fastNlMeansDenoising(bytes_in, None, strength, NLM_TEMPLATE, NLM_SEARCH)
    return torch.from_numpy(found).to(image) / levels - NLM_RANGE


def principal_components(
    maps: Float[Tensor, "c h w"], count: int = PRINCIPAL_COMPONENTS
) -> Float[Tensor, "p h w"]:
    """The first principal components of feature maps, over the sd of the first.

    Parameters
    ----------
    maps
        One plane per feature; pixels with a NaN in any are NaN in the result.
    count
        Components; no more than there are maps.
    """
    pixels = maps.reshape(len(maps), -1)
    with torch.no_grad():
        sample = pixels[:, pixels.isfinite().all(0)]
        if not sample.numel():
            return torch.full_like(maps[:count], torch.nan)
        sample = sample[:, :: max(1, sample.shape[1] // PCA_PIXELS)].double()
        mean = sample.mean(1, keepdim=True)
        covariance = (sample - mean) @ (sample - mean).T / sample.shape[1]
        variances, vectors = torch.linalg.eigh(covariance)
        vectors = vectors.flip(1)[:, :count]
        largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
        scale = variances[-1].clamp(min=1e-12).sqrt()  # constant maps stay constant
        projection = (vectors * largest.sign() / scale).T.to(maps)
    return (projection @ (pixels - mean.to(maps))).reshape(-1, *maps.shape[1:])
