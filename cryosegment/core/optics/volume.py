# SPDX-License-Identifier: GPL-3.0-or-later
"""Density maps read from MRC files."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
from numpy.typing import NDArray

from cryosegment.exchange.errors import InputError


def read_volume(path: Path) -> tuple[NDArray[np.float32], float]:
    """Map `(d, h, w)` and its voxel size, Å.

    Parameters
    ----------
    path
        MRC or CCP4 map, optionally compressed.

    Raises
    ------
    InputError
        If the file is missing or truncated, not a map, not finite, or has no cubic voxel.
    """
    if not path.is_file():
        raise InputError(f"expected a map at {path}, found no file: check the path")
    try:
        with mrcfile.open(path) as file:
            volume = np.array(file.data, dtype=np.float32)
            header = file.header
            counts = [header[f"m{axis}"] or header[f"n{axis}"] for axis in "xyz"]  # 0: all voxels
            voxel = np.array(header.cella.tolist(), np.float64) / counts
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"expected an MRC map in {path}: {error}") from error
    if volume.ndim != 3 or min(volume.shape) < 4:
        raise InputError(f"expected a 3-D map in {path}, found shape {volume.shape}")
    if not np.isfinite(volume).all() or np.ptp(volume) == 0:
        raise InputError(f"expected finite, varied values in map {path}: give another map")
    is_cubic = np.isfinite(voxel).all() and np.ptp(voxel) <= 0.01 * voxel.max()
    if not is_cubic or voxel.min() <= 0:
        raise InputError(f"expected a cubic voxel size in map {path}, found {voxel} Å: set it")
    return volume, float(voxel.mean())
