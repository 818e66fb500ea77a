# SPDX-License-Identifier: GPL-3.0-or-later
"""What detectors, motion correction and denoisers make of a micrograph."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def draw_look(
    image: Float[Tensor, "h w"], diameter: float, random: np.random.Generator
) -> Float[Tensor, "h w"]:
    """The image under a random look: plain, blurred, denoised, locally equalised, 8-bit.

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
    if random.random() < 0.3:
        plane = cv2.GaussianBlur(plane, (0, 0), random.uniform(0.4, 1.6))
    if random.random() < 0.15:
        plane = _denoise(plane, random)
    if random.random() < 0.25:
        plane = _equalise(plane, diameter * random.uniform(1.5, 6.0), random.uniform(0.3, 1.0))
    if random.random() < 0.3:
        spread = plane.std() * random.uniform(1.0, 4.0)
        plane = np.tanh((plane - np.median(plane)) / spread)
    if random.random() < 0.15:
        plane = _streaks(plane, random)
    return torch.from_numpy(np.ascontiguousarray(plane))


def _denoise(plane: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Median or non-local means on an 8-bit copy, as denoising front ends do."""
    low, high = np.percentile(plane, (0.5, 99.5))
    bytes_ = np.clip((plane - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    if random.random() < 0.5:
        return cv2.medianBlur(bytes_, 3).astype(np.float32)
    smooth = cv2.fastNlMeansDenoising(
        bytes_, h=float(random.uniform(10, 50)), templateWindowSize=3, searchWindowSize=7
    )
    return smooth.astype(np.float32)


def _equalise(plane: np.ndarray, window: float, strength: float) -> np.ndarray:
    """Local contrast normalisation, the continuous cousin of CLAHE."""
    mean = cv2.GaussianBlur(plane, (0, 0), window)
    deviation = np.sqrt(np.maximum(cv2.GaussianBlur((plane - mean) ** 2, (0, 0), window), 1e-12))
    return (plane - strength * mean) / deviation**strength


def _streaks(plane: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The dead border of motion correction that detection missed: one row drawn out."""
    width = int(random.integers(2, 14))
    turns = int(random.integers(4))
    streaked = np.rot90(plane, turns).copy()
    streaked[:width] = streaked[width]
    return np.rot90(streaked, -turns)
