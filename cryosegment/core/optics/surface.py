# SPDX-License-Identifier: GPL-3.0-or-later
"""The surface of a molecule in its density, and the size of a body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

# The molecular surface: where the density, smoothed by a Gaussian of SURFACE_SIGMA, falls below
# SURFACE_LEVEL of its interior value. A flat wall, blurred, passes 0.5 at its true place; the
# lower level keeps thin loops (measured: 1.5-1.9 Å3 per Da, diameters within 5 % of the atoms').
SURFACE_SIGMA = 3.0
SURFACE_LEVEL = 0.4


def surface_level(smooth: NDArray[np.float32]) -> float:
    """Level of the molecular surface in a smoothed density whose solvent is 0."""
    top = float(np.quantile(smooth[smooth > 0], 0.999)) if (smooth > 0).any() else np.inf
    inside = smooth[smooth > 0.3 * top]
    return SURFACE_LEVEL * float(np.median(inside)) if inside.size else np.inf


def longest_dimension(support: NDArray[np.bool_]) -> float:
    """Largest distance between two voxels of a body, plus the voxel itself, px."""
    surface = np.argwhere(support & ~ndimage.binary_erosion(support))
    try:
        surface = surface[ConvexHull(surface).vertices]
    except QhullError:  # flat or tiny: take all points
        surface = surface[:2000]
    return float(pdist(surface).max(initial=0.0)) + 1.0
