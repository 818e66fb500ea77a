# SPDX-License-Identifier: GPL-3.0-or-later
"""MRC files that tests make, good and bad."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np

SHAPE = (40, 52)
"""Rows and columns of the images of tests of files."""


def make_mrc(path: Path, data: np.ndarray, pixel_size: float = 1.5) -> Path:
    with mrcfile.new(path, data=data) as mrc:
        mrc.voxel_size = pixel_size
    return path


def change_header(path: Path, word: int, *values: int) -> Path:
    """Other integers in the header of an MRC file, from a word on; MRC counts from 1."""
    raw = bytearray(path.read_bytes())
    raw[4 * (word - 1) : 4 * (word - 1 + len(values))] = np.array(values, "<i4").tobytes()
    path.write_bytes(raw)
    return path
