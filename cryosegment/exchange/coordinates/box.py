# SPDX-License-Identifier: GPL-3.0-or-later
"""The boxes in which picks are handed on."""

from __future__ import annotations

BOX_PER_DIAMETER = 1.5
"""Side of a box, in particle diameters, where no other is given."""


def box_side(diameter: float, pixel_size: float) -> int:
    """Side of the boxes of particles, px: even, as extraction wants it.

    Parameters
    ----------
    diameter
        Of the particles, Å.
    pixel_size
        Of the micrographs, Å/px.

    Examples
    --------
    >>> box_side(160.0, 1.06)
    226
    """
    return 2 * round(BOX_PER_DIAMETER * diameter / pixel_size / 2)
