# SPDX-License-Identifier: GPL-3.0-or-later
"""Working images: micrographs scaled by the particle diameter and normalised, for networks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Real
from torch import Tensor

from cryosegment.core.images.border import Bounds, valid_bounds
from cryosegment.core.images.contrast import detect_contrast
from cryosegment.core.images.film_edge import beyond_edge
from cryosegment.core.images.front_ends import apply_front_end
from cryosegment.core.images.ice_texture import IceTexture, ice_texture
from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.images.noise_level import scale_to_noise
from cryosegment.core.images.normalize import normalize, remove_local_mean, robust_statistics
from cryosegment.core.images.resample import fourier_crop, resample_labels
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.params import AUTO, BRIGHT, DARK, InputParams, PickParams

CONTRASTS = (AUTO, DARK, BRIGHT)
"""Choices of the contrast: particles darker or brighter than the ice, or detected."""

HOT_PIXEL_SDS = 8.0
"""Pixels further from the median than this many standard deviations are cut before resampling."""

MIN_DIAMETER_PX = 4.0
"""Smallest particle diameter in pixels of the micrograph."""

FEWEST_DIAMETERS, MOST_DIAMETERS = 4, 200
"""Usual range of the shorter side of a micrograph, in particle diameters."""

MAX_WORKING_PIXELS = 2**26

MUCH_BORDER = 0.1
"""Part of a micrograph above which a dead border is told."""


@dataclass(frozen=True)
class WorkingImage:
    """A micrograph at the working scale.

    Attributes
    ----------
    image
        What the network receives: normalised over the valid pixels, the others 0; particles dark
        unless it wants them bright.
    valid
        False on the dead border.
    pixel_size
        Å/px of this image; the mean of both axes, which whole rows and columns make differ.
    scale_yx
        Micrograph pixels per pixel of this image, along y and x: pixel (0, 0) of both coincide.
    notes
        Remarks for users on the micrograph, in sentences.
    crystalline
        Share of the micrograph that is crystalline ice (see `crystalline_share`).
    texture
        Texture of the ice; None if the micrograph is too small to tell.
    excluded
        Pixels where nothing should be picked, whatever the network says; None for none.
    """

    image: Float[Tensor, "h w"]
    valid: Bool[Tensor, "h w"]
    pixel_size: float
    scale_yx: tuple[float, float]
    notes: tuple[str, ...] = ()
    crystalline: float = 0.0
    texture: IceTexture | None = None
    excluded: Bool[Tensor, "h w"] | None = None

    @property
    def micrograph_pixel_size(self) -> float:
        """Pixel size of the micrograph, Å/px."""
        return self.pixel_size / (sum(self.scale_yx) / 2)

    @property
    def micrograph_shape(self) -> tuple[int, int]:
        """Height and width of the micrograph, px."""
        height, width = self.image.shape
        return round(height * self.scale_yx[0]), round(width * self.scale_yx[1])

    def without(self, area: Bool[Tensor, "h w"]) -> WorkingImage:
        """The same with more pixels excluded."""
        excluded = area if self.excluded is None else self.excluded | area.to(self.excluded.device)
        return replace(self, excluded=excluded)

    def in_pixels(self, length: float) -> float:
        """A length in Å, in pixels of this image."""
        return length / self.pixel_size

    def from_micrograph(self, centers_yx: Real[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Centres in pixels of this image, from pixels of the micrograph."""
        return centers_yx / np.array(self.scale_yx)

    def in_micrograph(self, centers_yx: Real[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Centres in pixels of the micrograph, from pixels of this image."""
        return centers_yx * np.array(self.scale_yx)


def working_image(
    micrograph: Micrograph,
    diameter: float,
    params: InputParams,
    contrast: str = PickParams.contrast,
) -> WorkingImage:
    """A micrograph resampled so that particles have the same number of pixels, and normalised.

    Hot pixels are cut, the dead border is filled with the median, the transform is cropped (or
    padded) to the working pixel size, the front end filters, and the grey levels are normalised
    (see `working_normalize`).

    Parameters
    ----------
    micrograph
        As read.
    diameter
        Particle diameter, Å.
    params
        What the network receives.
    contrast
        "dark" or "bright" particles, or "auto" to find out (see `detect_contrast`).

    Raises
    ------
    InputError
        If the front end needs a CTF and the micrograph has none.
    ParameterError
        If the diameter is beyond the image, below 4 px of it or would need a huge working image,
        or the contrast has another name.
    """
    if contrast not in CONTRASTS:
        raise ParameterError(f"expected contrast {', '.join(CONTRASTS)}, got {contrast!r}")
    height, width = micrograph.image.shape
    shape = _working_shape(micrograph, diameter, params.pixels_per_diameter)
    scale_yx = (height / shape[0], width / shape[1])
    bounds = valid_bounds(micrograph.image)
    image = fourier_crop(_mend(micrograph.image, bounds), *shape)
    valid = _valid_at_scale(bounds, (height, width), shape).to(image.device)
    inside = image[valid.any(1)][:, valid.any(0)]
    texture = ice_texture(inside, params.pixels_per_diameter, min(1.0, *scale_yx))
    excluded = _excluded(inside, valid)
    image = apply_front_end(image, params.front_end, micrograph, scale_yx, diameter)
    if contrast == BRIGHT:
        image = -image
    image = working_normalize(image, valid, params)
    if contrast == AUTO and detect_contrast(image, params.pixels_per_diameter, valid) == BRIGHT:
        image = -image
    if params.contrast == BRIGHT:
        image = -image
    pixel_size = micrograph.pixel_size * sum(scale_yx) / 2
    notes = (*micrograph.notes, *_doubts(micrograph, bounds, diameter))
    return WorkingImage(image, valid, pixel_size, scale_yx, notes, 0.0, texture, excluded)


def _excluded(
    inside: Float[Tensor, "h2 w2"], valid: Bool[Tensor, "h w"]
) -> Bool[Tensor, "h w"] | None:
    """What lies beyond the edge of a film or of the beam, from the pixels inside the border."""
    found = beyond_edge(inside.cpu().numpy()) if inside.numel() else None
    if found is None:
        return None
    beyond = torch.from_numpy(found).to(valid.device).flatten()
    return torch.zeros_like(valid).masked_scatter(valid, beyond)


def _doubts(micrograph: Micrograph, bounds: Bounds, diameter: float) -> Iterator[str]:
    """What is odd about a micrograph's border, and about a diameter (Å) on it."""
    height, width = micrograph.image.shape
    if bounds.area < (1 - MUCH_BORDER) * height * width:
        yield f"more than {MUCH_BORDER:.0%} of it is a dead border, where nothing is picked"
    diameter_px = diameter / micrograph.pixel_size
    if not FEWEST_DIAMETERS <= min(height, width) / diameter_px <= MOST_DIAMETERS:
        yield (
            f"{diameter:g} Å are {diameter_px:.4g} px of a micrograph of {height} x {width} px: "
            "check pixel size and diameter"
        )


def working_normalize(
    image: Float[Tensor, "*batch h w"],
    valid: Bool[Tensor, "*batch h w"] | None,
    params: InputParams,
) -> Float[Tensor, "*batch h w"]:
    """Local mean removed and grey levels scaled: what the networks see, in training too.

    Parameters
    ----------
    image
        Images at the working scale, of any batch shape.
    valid
        Pixels that count; None for all. The others become 0.
    params
        Grey levels get the units of the noise around each pixel or, as networks of earlier
        versions have it, of the standard deviation of the whole image.
    """
    diameter = params.pixels_per_diameter
    flat = remove_local_mean(image, valid, params.local_mean * diameter)
    if params.noise is None:
        return normalize(flat, valid, params.clip)
    return scale_to_noise(flat, valid, diameter, params.noise, params.clip)


def labels_at_working_scale(
    labels: Int[np.ndarray, "height width"],
    working: WorkingImage,
    source: PathLike = "the label map",
) -> Int[Tensor, "h w"]:
    """A label map of a micrograph sampled at its working pixels.

    Parameters
    ----------
    labels
        At the micrograph's pixels.
    working
        The micrograph at working scale.
    source
        Where the labels come from, for error messages.

    Raises
    ------
    InputError
        If the map has not the micrograph's pixels.
    """
    if labels.shape != working.micrograph_shape:
        raise InputError(
            f"expected {working.micrograph_shape[0]} x {working.micrograph_shape[1]} px in "
            f"{source}, found {labels.shape[0]} x {labels.shape[1]}: make the labels again"
        )
    height, width = working.image.shape
    return torch.from_numpy(resample_labels(labels, (height, width)).astype(np.int32))


def _working_shape(
    micrograph: Micrograph, diameter: float, pixels_per_diameter: float
) -> tuple[int, int]:
    """Height and width of the working image; errors where there cannot be one."""
    if not (math.isfinite(diameter) and diameter > 0):
        raise ParameterError(f"expected diameter above 0, got {diameter}")
    height, width = micrograph.image.shape
    diameter_px = diameter / micrograph.pixel_size
    text = f"diameter {diameter:g} Å is {diameter_px:.1f} px of {micrograph.name}"
    if diameter_px > min(height, width):
        raise ParameterError(
            f"{text}, more than its {height} x {width} px: check diameter and pixel size"
        )
    if diameter_px < MIN_DIAMETER_PX:
        raise ParameterError(
            f"{text}, expected at least {MIN_DIAMETER_PX:g} px: check diameter and pixel size, "
            "or use micrographs that are binned less"
        )
    factor = pixels_per_diameter / diameter_px
    shape = max(1, round(height * factor)), max(1, round(width * factor))
    if shape[0] * shape[1] > MAX_WORKING_PIXELS:
        raise ParameterError(
            f"{text}, which asks for a working image of {shape[0]} x {shape[1]} px: "
            "check diameter and pixel size, or lower the pixels per diameter"
        )
    return shape


def _mend(image: Float[Tensor, "h w"], bounds: Bounds) -> Float[Tensor, "h w"]:
    """A copy with hot pixels cut and the dead border filled with the median.

    Grey levels become -1 to 1, the median 0: squares of huge ones would be infinite.
    """
    inside = image[bounds.top : bounds.bottom, bounds.left : bounds.right]
    median, sd = robust_statistics(inside)
    reach = HOT_PIXEL_SDS * (sd if sd > 0 else float(inside.double().std())) or 1.0
    mended = (image - median).div_(reach).clamp_(-1, 1)  # in place: images take up to 2 GB
    mended[: bounds.top] = 0
    mended[bounds.bottom :] = 0
    mended[:, : bounds.left] = 0
    mended[:, bounds.right :] = 0
    return mended


def _valid_at_scale(
    bounds: Bounds, shape: tuple[int, int], working: tuple[int, int]
) -> Bool[Tensor, "h w"]:
    rows = _valid_samples(bounds.top, bounds.bottom, shape[0], working[0])
    columns = _valid_samples(bounds.left, bounds.right, shape[1], working[1])
    return rows[:, None] & columns


def _valid_samples(first: int, end: int, length: int, samples: int) -> Bool[Tensor, " n"]:
    """Samples along one axis whose whole pixel lies inside the border."""
    step = length / samples
    position = torch.arange(samples, dtype=torch.float64) * step
    low = first - 0.5 + step / 2 if first > 0 else 0.0
    high = end - 0.5 - step / 2 if end < length else float(length)
    return (position >= low) & (position <= high)
