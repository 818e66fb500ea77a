# SPDX-License-Identifier: GPL-3.0-or-later
"""Effects of detectors, motion correction and denoisers on a micrograph."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def draw_look(
    image: Float[Tensor, "h w"], diameter: float, random: np.random.Generator
) -> Float[Tensor, "h w"]:
    """The image under a random look: plain, blurred, band-limited, denoised, equalised, 8-bit.

    Parameters
    ----------
    image
        Simulated image at working scale.
    diameter
        Particle diameter, px: the measure of local windows.
    random
        Source of randomness.
    """
    plane = image.numpy().astype(np.float32)
    if random.random() < 0.1:
        plane = _bin(plane, random.uniform(1.2, 2.0))
    if random.random() < 0.3:
        plane = cv2.GaussianBlur(plane, (0, 0), random.uniform(0.4, 1.6))
    if random.random() < 0.3:
        plane = _low_pass(plane, diameter * random.uniform(0.14, 0.45), random)
    if random.random() < 0.15:
        plane = _denoise(plane, random)
    if random.random() < 0.2:
        plane = _equalise(plane, diameter * random.uniform(1.5, 6.0), random.uniform(0.3, 1.0))
    if random.random() < 0.25:
        spread = plane.std() * random.uniform(1.0, 4.0)
        plane = np.tanh((plane - np.median(plane)) / spread)
    if random.random() < 0.15:
        plane = _compress(plane, random)
    if random.random() < 0.15:
        plane = _streaks(plane, random)
    return torch.from_numpy(np.ascontiguousarray(plane))


def _bin(plane: np.ndarray, factor: float) -> np.ndarray:
    """Pixels averaged, then interpolated: a micrograph that was binned beyond the working scale."""
    side = round(len(plane) / factor)
    small = cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, plane.shape[::-1], interpolation=cv2.INTER_CUBIC)


def _low_pass(plane: np.ndarray, resolution: float, random: np.random.Generator) -> np.ndarray:
    """What is finer than `resolution` (px) fades, in some cases at once.

    A denoised micrograph has no more; one that was binned to less than the working scale, neither.
    """
    rows, columns = plane.shape
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None])
    order = random.choice([1, 2, 4, 16])
    passed = 1 / (1 + (frequency * resolution) ** (2 * order))
    transform = np.fft.rfft2(plane) * passed
    return np.fft.irfft2(transform, s=plane.shape).astype(np.float32)


def _bytes(plane: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Grey levels as 8-bit numbers, a few of the extreme ones cut."""
    cut = random.choice([0.01, 0.1, 0.5, 2.0])
    low, high = np.percentile(plane, (cut, 100 - cut))
    scaled = (plane - low) / max(high - low, 1e-6) * 255
    return np.clip(scaled, 0, 255).astype(np.uint8)


def _compress(plane: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Saved with 8 bits, in some cases as JPEG."""
    saved = _bytes(plane, random)
    if random.random() < 0.6:
        quality = int(random.integers(60, 98))
        _, code = cv2.imencode(".jpg", saved, [cv2.IMWRITE_JPEG_QUALITY, quality])
        saved = cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)
    return saved.astype(np.float32)


def _denoise(plane: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Median or non-local means on an 8-bit copy, as denoising front ends do."""
    bytes_ = _bytes(plane, random)
    if random.random() < 0.4:
        return cv2.medianBlur(bytes_, 3).astype(np.float32)
    smooth = cv2.fastNlMeansDenoising(
        bytes_, h=float(random.uniform(10, 50)), templateWindowSize=3, searchWindowSize=7
    )
    return smooth.astype(np.float32)


def _equalise(plane: np.ndarray, window: float, strength: float) -> np.ndarray:
    """Local contrast normalisation, the continuous cousin of CLAHE."""
    mean = _blur(plane, window)
    deviation = np.sqrt(np.maximum(_blur((plane - mean) ** 2, window), 1e-12))
    return (plane - strength * mean) / deviation**strength


def _blur(plane: np.ndarray, sigma: float) -> np.ndarray:
    """Wide Gaussian blur, on pixels of a quarter of its width."""
    factor = max(1, int(sigma / 4))
    side = -(-len(plane) // factor)
    small = cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor)
    return cv2.resize(small, plane.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _streaks(plane: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The dead border of motion correction that detection missed: one row drawn out."""
    width = int(random.integers(2, 14))
    turns = int(random.integers(4))
    streaked = np.rot90(plane, turns).copy()
    streaked[:width] = streaked[width]
    return np.rot90(streaked, -turns)
