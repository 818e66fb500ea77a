# SPDX-License-Identifier: GPL-3.0-or-later
"""Change of scale: of images in Fourier space, of labels by their nearest pixels."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Complex, Float, Shaped
from torch import Tensor

_ROWS_AT_A_TIME = 256


def resample_labels(
    labels: Shaped[np.ndarray, "h w"], shape: tuple[int, int]
) -> Shaped[np.ndarray, "H W"]:
    """Labels at another scale: each pixel has the label nearest to it.

    Parameters
    ----------
    labels
        Of any type.
    shape
        Rows and columns of the output; its pixels lie as those of `fourier_crop`.
    """
    rows, columns = (
        (np.arange(size) * (given / size)).round().astype(np.intp).clip(max=given - 1)
        for size, given in zip(shape, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


def fourier_crop(
    image: Float[Tensor, "*batch h w"], height: int, width: int
) -> Float[Tensor, "*batch H W"]:
    """An image resampled to `height` x `width` pixels without aliasing; its mean is kept.

    Sample i of the output lies at `i * h / height` of the input, in pixels from the centre of the
    first one, and likewise for columns. The image counts as periodic.

    Parameters
    ----------
    image
        Grey levels of an image, or of several.
    height, width
        Pixels of the output; more than the input's pad the transform.

    Notes
    -----
    Only the columns of the transform that are kept are transformed along y, and rows are taken
    in blocks: half the time and a tenth of the memory of a whole 2-D transform. Nyquist terms are
    treated as in `scipy.signal.resample`.
    """
    blocks = torch.split(image, _ROWS_AT_A_TIME, -2)
    spectrum = torch.cat(
        [_crop_half(torch.fft.rfft(rows), image.shape[-1], width) for rows in blocks], -2
    )
    columns = _crop_full(torch.fft.fft(spectrum, dim=-2), height)
    scale = (height * width) / (image.shape[-2] * image.shape[-1])
    rows = torch.fft.ifft(columns, dim=-2)
    return torch.fft.irfft(rows, n=width) * scale


def _crop_half(
    spectrum: Complex[Tensor, "*batch h half"], length: int, target: int
) -> Complex[Tensor, "*batch h kept"]:
    """Half spectrum of a real signal of `length`, for one of `target` samples."""
    shorter = min(length, target)
    kept = spectrum[..., : shorter // 2 + 1]
    if shorter % 2 == 0 and length != target:
        kept = kept.clone()
        kept[..., -1] *= 2.0 if target < length else 0.5
    missing = target // 2 + 1 - kept.shape[-1]
    return torch.nn.functional.pad(kept, (0, missing)) if missing else kept.contiguous()


def _crop_full(
    spectrum: Complex[Tensor, "*batch h half"], target: int
) -> Complex[Tensor, "*batch H half"]:
    """Full spectrum along y, for a signal of `target` samples."""
    *batch, length, half = spectrum.shape
    if length == target:
        return spectrum
    shorter = min(length, target)
    positive, negative = (shorter + 1) // 2, (shorter - 1) // 2
    cropped = spectrum.new_zeros(*batch, target, half)
    cropped[..., :positive, :] = spectrum[..., :positive, :]
    if negative:
        cropped[..., -negative:, :] = spectrum[..., -negative:, :]
    if shorter % 2 == 0:
        nyquist = spectrum[..., shorter // 2, :]
        if target < length:
            cropped[..., shorter // 2, :] = nyquist + spectrum[..., -(shorter // 2), :]
        else:
            cropped[..., shorter // 2, :] = 0.5 * nyquist
            cropped[..., -(shorter // 2), :] = 0.5 * nyquist
    return cropped
