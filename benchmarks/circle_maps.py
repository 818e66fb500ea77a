# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps compared by their Fourier shells."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import fourier_shift
from skimage.registration import phase_cross_correlation

UPSAMPLING = 20
"""Maps are shifted onto each other to a fraction of a pixel of this size."""
SOFT = 6
"""Width of the edge of the spherical mask, px."""


def shell_correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Fourier shell correlation of two cubes, from frequency 0 to Nyquist.

    Parameters
    ----------
    one, other
        (n, n, n), of the same orientation.

    Notes
    -----
    Harauz & van Heel (1986). The shell of frequency k holds what is nearest to k / n per pixel.
    """
    a, b = np.fft.fftn(one), np.fft.fftn(other)
    sums = [shell_sums(values) for values in ((a * b.conj()).real, np.abs(a) ** 2, np.abs(b) ** 2)]
    return sums[0] / np.sqrt(sums[1] * sums[2])


def shell_sums(values: np.ndarray) -> np.ndarray:
    """Sums over the Fourier shells of a cube, as `numpy.fft.fftn` has it, from 0 to Nyquist."""
    side = len(values)
    return np.bincount(shells(side).ravel(), values.ravel())[: side // 2 + 1]


def shells(side: int) -> np.ndarray:
    """Number of the Fourier shell of each frequency of a cube of this side."""
    squared = np.fft.fftfreq(side, 1 / side) ** 2
    return np.rint(np.sqrt(sum(np.meshgrid(*[squared] * 3, indexing="ij")))).astype(int)


def in_box(cube: np.ndarray, box: int, binning: int) -> np.ndarray:
    """A cube in the middle of a larger one, of which one voxel in `binning` stays along each axis.

    Parameters
    ----------
    cube
        (n, n, n), its centre at n // 2.
    box
        Side of the larger one, px; `binning` times an even number.
    binning
        Fourier space is cropped to this share of it.
    """
    before = [box // 2 - side // 2 for side in cube.shape]
    after = [box - side - lead for side, lead in zip(cube.shape, before, strict=True)]
    padded = np.pad(cube, list(zip(before, after, strict=True)))
    small = box // binning
    rows = slice(box // 2 - small // 2, box // 2 + small // 2)
    middle = np.fft.fftshift(np.fft.fftn(padded))[rows, rows, rows]
    return np.fft.ifftn(np.fft.ifftshift(middle)).real / binning**3


def onto(reference: np.ndarray, cube: np.ndarray) -> np.ndarray:
    """A cube, shifted to where the reference is; both are masked by a soft sphere before."""
    sphere = soft_sphere(len(cube))
    shift, *_ = phase_cross_correlation(
        reference * sphere, cube * sphere, upsample_factor=UPSAMPLING, normalization=None
    )
    return np.fft.ifftn(fourier_shift(np.fft.fftn(cube), shift)).real


def soft_sphere(side: int) -> np.ndarray:
    """1 inside of the largest sphere of a cube, falling to 0 at its rim."""
    axis = np.arange(side) - side // 2
    radius = np.sqrt(sum(np.meshgrid(*[axis**2] * 3, indexing="ij")))
    inside = np.clip((side / 2 - 1 - radius) / SOFT, 0, 1)
    return 0.5 - 0.5 * np.cos(np.pi * inside)


def first_below(correlation: np.ndarray, threshold: float, side_length: float) -> float:
    """Resolution at which a correlation first falls below a threshold.

    Parameters
    ----------
    correlation
        By shell, from frequency 0.
    threshold
        Interpolated linearly between shells; where it is never reached, Nyquist is the answer.
    side_length
        Of the box, Å.
    """
    below = np.flatnonzero(correlation < threshold)
    if not len(below):
        return side_length / (len(correlation) - 1)
    last = int(below[0]) - 1
    above, under = correlation[last : last + 2]
    return side_length / (last + (above - threshold) / (above - under))
