# SPDX-License-Identifier: GPL-3.0-or-later
"""Density maps read from MRC files."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from cryosegment.core.images.mrc import (
    HALF_BYTES,
    HEADER_BYTES,
    data_dtype,
    read_bytes,
    read_header,
)
from cryosegment.core.images.stream import open_image
from cryosegment.exchange.errors import InputError

MOST_VOXELS = 2**30
"""Maps of more voxels are refused."""
LARGEST = 1e12
"""Maps with larger densities are refused: their third powers would be too large for 32 bits."""
AXES = ("maps", "mapr", "mapc")
"""Fields that say which of x, y and z, from 1, sections, rows and columns count."""


def read_volume(path: Path) -> tuple[NDArray[np.float32], float]:
    """Map `(d, h, w)`, the axes z, y, x, and its voxel size, Å.

    Parameters
    ----------
    path
        MRC or CCP4 map, optionally compressed.

    Raises
    ------
    InputError
        If the file is missing or truncated, not a map, holds no densities, or has no cubic voxel.
    """
    if not os.path.isfile(path):  # false for names that are too long, too
        raise InputError(f"expected a map at {path}, found no file: check the path")
    with open_image(path) as stream:
        header = read_header(stream, path, "an MRC map")
        shape = tuple(int(header[name]) for name in ("nz", "ny", "nx"))
        if min(shape) < 4 or math.prod(shape) > MOST_VOXELS or int(header["mode"]) == HALF_BYTES:
            raise InputError(
                f"expected a 3-D map in {path}, found shape {shape} and MRC mode {header['mode']}"
            )
        dtype = data_dtype(header)
        stream.seek(HEADER_BYTES + max(0, int(header["nsymbt"])))
        values = read_bytes(stream, math.prod(shape) * dtype.itemsize, path).view(dtype)
    volume = _in_order(values.reshape(shape).astype(np.float32), header)
    low, high = float(volume.min()), float(volume.max())  # NaN where there is one
    if not -LARGEST <= low < high <= LARGEST:
        raise InputError(
            f"expected varied densities of at most {LARGEST:g} in map {path}, found {low:.3g} to "
            f"{high:.3g}: give another map"
        )
    return volume, _voxel_size(header, volume.shape, path)


def _in_order(volume: NDArray[np.float32], header: NDArray[Any]) -> NDArray[np.float32]:
    """The map with the axes z, y, x, whatever their order in the file."""
    axes = [int(header[name]) for name in AXES]
    if sorted(axes) != [1, 2, 3]:  # programs that know one order leave them 0
        return volume
    return np.ascontiguousarray(volume.transpose([axes.index(axis) for axis in (3, 2, 1)]))


def _voxel_size(header: NDArray[Any], shape: tuple[int, ...], path: Path) -> float:
    intervals = [int(header[f"m{axis}"]) or side for axis, side in zip("zyx", shape, strict=True)]
    cell = [float(header["cella"][axis]) for axis in "zyx"]
    voxel = [length / count for length, count in zip(cell, intervals, strict=True)]
    if not all(map(math.isfinite, voxel)) or min(voxel) <= 0 or max(voxel) > 1.01 * min(voxel):
        raise InputError(f"expected a cubic voxel size in map {path}, found {voxel} Å: set it")
    return sum(voxel) / 3


def coarsened(
    volume: NDArray[np.float32], voxel_size: float, resolution: float
) -> tuple[NDArray[np.float32], float]:
    """A map with no more voxels than a resolution takes, and its voxel size, Å.

    Its side is even; voxel `n // 2`, about which maps turn, stays where it is.

    Parameters
    ----------
    volume
        Cubic, `(n, n, n)`.
    voxel_size
        Of the map, Å.
    resolution
        Finest that is kept, Å.

    Raises
    ------
    InputError
        If the map is not cubic.
    """
    if len(set(volume.shape)) > 1:
        raise InputError(f"expected a cubic map, got {volume.shape} voxels: pad it")
    odd = len(volume) % 2
    even = np.pad(volume, [(odd, 0)] * 3)
    side = len(even)
    kept = min(side, 2 * int(np.ceil(side * voxel_size / resolution)))
    inner = slice((side - kept) // 2, (side + kept) // 2)
    spectrum = fft.fftshift(fft.fftn(even))[inner, inner, inner]
    smaller = fft.ifftn(fft.ifftshift(spectrum)).real * (kept / side) ** 3
    return smaller.astype(np.float32), voxel_size * side / kept
