# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes of one and a half diameters, with even sides."""

import pytest

from cryosegment.exchange.coordinates import box_side


@pytest.mark.parametrize(
    ("diameter", "pixel_size", "side"), [(160.0, 1.0, 240), (190.0, 1.77, 162), (191.0, 3.0, 96)]
)
def test_side(diameter: float, pixel_size: float, side: int) -> None:
    """161.02 and 95.5 px go to the nearest even number."""
    assert box_side(diameter, pixel_size) == side
