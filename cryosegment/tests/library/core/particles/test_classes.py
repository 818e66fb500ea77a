# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import torch
from scipy.ndimage import convolve

from cryosegment.core.particles.classes import BACKGROUND, EDGE, SIGNAL, class_map, middle_of


def disc(side: int, y: float, x: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return np.hypot(rows - y, columns - x) <= radius


def test_the_edge_is_that_of_particleseg() -> None:
    """Its kernel has -1 everywhere and 120 in the middle, on a map of 1 for signal, 2 elsewhere."""
    footprint = disc(256, 120, 140, 60) | disc(256, 60, 60, 25)
    kernel = np.full((11, 11), -1)
    kernel[5, 5] = 120
    response = convolve(np.where(footprint, 1, 2), kernel, mode="nearest")
    expected = np.where(footprint, SIGNAL, BACKGROUND)
    expected[response > 0] = EDGE
    found = class_map(torch.from_numpy(footprint.astype(np.int32))[None], 11)[0]
    np.testing.assert_array_equal(found.numpy(), expected)
    assert (expected == EDGE).sum() > 0.9 * 5 * 2 * np.pi * 60


def test_the_middle_is_where_the_origin_of_a_box_is() -> None:
    maps = torch.zeros(2, 10, 11)
    maps[0, 5, 5], maps[1, 4, 4] = 9.0, 18.0
    assert middle_of(maps).tolist() == [1.0, 2.0]
    maps[:, :4], maps[:, 7:] = 5.0, 5.0
    assert middle_of(maps).tolist() == [1.0, 2.0]
