# SPDX-License-Identifier: GPL-3.0-or-later
"""Centres by the commonest size, as in CryoSegNet: boxes of masks of other sizes are left out.

Gyawali et al., Briefings in Bioinformatics 25 (2024), algorithm S1, without the second copies that
its program writes of the surest particles.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage

from cryosegment.core.picking.centers import Candidates, ParticleMaps
from cryosegment.core.picking.finders import Search, particle_map, score_centers
from cryosegment.core.picking.watersheds import parted_regions

BETWEEN = 0.25
"""Smallest distance of two regions, in particle diameters."""
SMALLER = 1 / 3
"""How much smaller than the mode a side may be, relative to how much larger."""
ROUNDING = 1
"""Sides are whole pixels: by so many they differ though particles are alike."""


def find_by_size_mode(maps: ParticleMaps, search: Search) -> Candidates:
    """Candidates in the middle of the boxes of regions; the scale of the search is a tolerance."""
    labels = parted_regions(particle_map(maps), search.diameter_px, BETWEEN)
    boxes = np.array(
        [
            (rows.start, columns.start, rows.stop, columns.stop)
            for rows, columns in ndimage.find_objects(labels)
        ],
        dtype=np.int64,
    ).reshape(-1, 4)
    centers = middles(boxes[have_usual_size(boxes, search.scale * search.diameter_px)])
    return score_centers(maps, centers, search)


def middles(boxes: Int[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 2"]:
    """Middles (y, x) of boxes, whose last rows and columns are excluded."""
    return (boxes[:, :2] + boxes[:, 2:] - 1) / 2


def have_usual_size(boxes: Int[np.ndarray, "n 4"], tolerance_px: float) -> np.ndarray:
    """Mask of the boxes whose height and width are near the commonest of all, (n,).

    Parameters
    ----------
    boxes
        First row and column, and those after the last.
    tolerance_px
        How much larger than the mode a side may be; CryoSegNet has a tenth of the diagonal.
    """
    kept = np.ones(len(boxes), bool)
    for sides in (boxes[:, 2:] - boxes[:, :2]).T if len(boxes) else ():
        mode = int(np.bincount(sides).argmax())
        kept &= sides >= mode - SMALLER * tolerance_px - ROUNDING
        kept &= sides <= mode + tolerance_px + ROUNDING
    return kept
