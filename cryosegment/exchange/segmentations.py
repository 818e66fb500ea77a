# SPDX-License-Identifier: GPL-3.0-or-later
"""`segmentations/NAME.npz`: the pixels of all candidates of a micrograph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from cryosegment.exchange.arrays import read_arrays
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, atomic_path

AGAIN = "pick again with --masks and without --resume"


@dataclass(frozen=True, eq=False)
class SavedSegmentation:
    """The pixels of all candidates of a micrograph.

    Parameters
    ----------
    labels
        `(h, w)`: 0 background, k the pixels of candidate k - 1; at working scale.
    particle
        `(h, w)`, particle map from which they were made; None where masks are at working scale.
    pixel_size
        Of both, Å/px.
    scale_yx
        Pixels of the micrograph that one of theirs is long, along y and x.
    """

    labels: np.ndarray
    particle: Optional[np.ndarray]
    pixel_size: float
    scale_yx: Tuple[float, float]


def write_segmentation(path: PathLike, segmentation: SavedSegmentation) -> None:
    """Write it as NumPy's `.npz`, whole or not at all; the particle map in half precision."""
    particle = segmentation.particle
    half = {} if particle is None else {"particle": particle.astype(np.float16)}
    scale = np.array([segmentation.pixel_size, *segmentation.scale_yx])
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, labels=segmentation.labels, scale=scale, **half)


def read_segmentation(path: PathLike) -> SavedSegmentation:
    """Read what `write_segmentation` wrote.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    try:
        found = read_arrays(path)
    except InputError as error:
        raise InputError(f"cannot read that from which masks are made: {error}; {AGAIN}") from error
    labels, scale = (found.get(name, np.empty(0)) for name in ("labels", "scale"))
    particle = found.get("particle", np.empty(labels.shape, np.float16))
    types = labels.dtype, particle.dtype, scale.dtype
    if (
        types != (np.int32, np.float16, np.float64)
        or (labels.ndim, labels.shape, scale.shape) != (2, particle.shape, (3,))
        or not ((scale > 0) & (scale < np.inf)).all()
    ):
        raise InputError(f"expected {path} to hold that from which masks are made: {AGAIN}")
    pixel_size, y, x = scale.tolist()
    known = particle.astype(np.float32) if "particle" in found else None
    return SavedSegmentation(labels, known, pixel_size, (y, x))
