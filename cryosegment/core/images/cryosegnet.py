# SPDX-License-Identifier: GPL-3.0-or-later
"""The denoising of CryoSegNet (Gyawali et al., Briefings in Bioinformatics 2024).

A Gaussian blur, non-local means, a Wiener filter, local histogram equalisation (CLAHE) and a
guided filter, with the published numbers. Where CryoSegNet stretches grey levels between the
darkest and the brightest pixel, robust bounds are taken, so that hot pixels change nothing.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from cryosegment.core.images.normalize import robust_statistics

BLUR_SIDE = 9  # px
NLM_STRENGTH, NLM_TEMPLATE, NLM_SEARCH = 10, 7, 21  # grey levels of 255, px, px
WIENER_SIDE, WIENER_SIGMA, WIENER_K = 9, 3.0, 30.0  # px, px, power
CLAHE_CLIP, CLAHE_TILE = 2.0, 48
"""The side of a tile, px: the 16 x 16 tiles of a micrograph of 4096 px with particles of 107 px."""
GUIDED_SIDE, GUIDED_EPSILON = 21, 0.1  # px, grey levels squared
RANGE_SDS = 5.0
"""Grey levels end so many standard deviations from the median: white noise reaches that far."""

Image = Float[np.ndarray, "h w"]


def denoise_cryosegnet(image: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """The image denoised, in grey levels from 0 to 255.

    Parameters
    ----------
    image
        Any grey levels, finite.
    """
    values = np.ascontiguousarray(image.cpu().numpy(), dtype=np.float32)
    blurred = cv2.GaussianBlur(values, (BLUR_SIDE, BLUR_SIDE), 0)
    smooth = cv2.fastNlMeansDenoising(
        grey_levels(blurred), None, NLM_STRENGTH, NLM_TEMPLATE, NLM_SEARCH
    )
    sharp = grey_levels(wiener_filter(smooth.astype(np.float32)))
    tiles = tuple(max(1, round(side / CLAHE_TILE)) for side in reversed(values.shape))
    equalized = cv2.createCLAHE(CLAHE_CLIP, tiles).apply(sharp)
    found = guided_filter(equalized.astype(np.float32), sharp.astype(np.float32))
    return torch.from_numpy(found).to(image)


def grey_levels(image: Image) -> UInt8[np.ndarray, "h w"]:
    """The image in 256 grey levels between robust bounds; what lies beyond is cut."""
    median, sd = robust_statistics(torch.from_numpy(image))
    reach = RANGE_SDS * (sd if sd > 0 else float(image.std())) or 1.0
    scaled = (image - (median - reach)) * (255 / (2 * reach))
    return np.asarray(scaled.round().clip(0, 255).astype(np.uint8))


def wiener_filter(image: Image) -> Image:
    """The image deconvolved by a Gaussian, with so much noise power that little is sharpened.

    Notes
    -----
    The published code leaves the kernel at the image's corner, which moves the image by 4 px;
    here it is centred.
    """
    line = cv2.getGaussianKernel(WIENER_SIDE, WIENER_SIGMA)
    kernel = np.zeros_like(image)
    kernel[:WIENER_SIDE, :WIENER_SIDE] = (line @ line.T)[: image.shape[0], : image.shape[1]]
    kernel = np.roll(kernel, (-(WIENER_SIDE // 2), -(WIENER_SIDE // 2)), (0, 1))
    transfer = np.fft.rfft2(kernel)
    filtered = np.fft.rfft2(image) * transfer.conj() / (np.abs(transfer) ** 2 + WIENER_K)
    return np.fft.irfft2(filtered, s=image.shape).astype(np.float32)


def guided_filter(image: Image, guide: Image) -> Image:
    """The image as a line of the guide, fitted in every window; windows are averaged.

    Parameters
    ----------
    image, guide
        In grey levels.

    Notes
    -----
    He, Sun & Tang, IEEE Trans. Pattern Anal. Mach. Intell. 35 (2013), by box filters.
    """

    def mean(values: Image) -> Image:
        return cv2.blur(values, (GUIDED_SIDE, GUIDED_SIDE), borderType=cv2.BORDER_REFLECT)

    image, guide = image.astype(np.float64), guide.astype(np.float64)
    mean_guide, mean_image = mean(guide), mean(image)
    variance = mean(guide * guide) - mean_guide**2
    slope = (mean(guide * image) - mean_guide * mean_image) / (variance + GUIDED_EPSILON)
    offset = mean_image - slope * mean_guide
    return (mean(slope) * guide + mean(offset)).astype(np.float32)
