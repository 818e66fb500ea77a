# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation
from skimage.segmentation import find_boundaries

from cryosegment.core.evaluation.boundaries import BoundaryCounts, boundary, count_boundaries


def square(top: int, left: int, side: int) -> torch.Tensor:
    mask = torch.zeros(30, 30, dtype=torch.bool)
    mask[top : top + side, left : left + side] = True
    return mask


def everywhere() -> torch.Tensor:
    return torch.ones(30, 30, dtype=torch.bool)


def test_boundary_agrees_with_scikit_image() -> None:
    mask = torch.rand(30, 30, generator=torch.Generator().manual_seed(0)) > 0.4
    expected = find_boundaries(mask.numpy(), connectivity=1, mode="inner")
    np.testing.assert_array_equal(boundary(mask).numpy(), expected)


def test_shifted_squares_by_hand() -> None:
    reference = square(5, 5, 10)  # 36 boundary pixels
    assert count_boundaries(reference, reference, everywhere()) == BoundaryCounts(36, 36, 36, 36)
    two = count_boundaries(square(5, 7, 10), reference, everywhere())
    assert two == BoundaryCounts(36, 36, 36, 36)
    assert two.f1 == 1
    three = count_boundaries(square(5, 8, 10), reference, everywhere())
    # of the side that moved out to the right the middle 6 pixels are too far from the reference
    assert (three.found, three.true) == (36, 36)
    assert three.found_near == three.true_near < 36
    exact = count_boundaries(square(5, 6, 10), reference, everywhere(), 0.0)
    assert exact.found_near == 18  # the two sides that overlap


def test_counts_agree_with_dilation() -> None:
    random = torch.rand(2, 30, 30, generator=torch.Generator().manual_seed(1)) > 0.7
    known = everywhere()
    known[:10] = False
    counts = count_boundaries(random[0], random[1], known, 2.0)
    disc = np.hypot(*np.mgrid[-2:3, -2:3]) <= 2
    found, true = (find_boundaries(mask.numpy(), 1, "inner") for mask in random)
    near_true, near_found = (binary_dilation(edges, disc) for edges in (true, found))
    counted = known.numpy()
    assert counts.found == (found & counted).sum()
    assert counts.found_near == (found & near_true & counted).sum()
    assert counts.true_near == (true & near_found & counted).sum()


def test_ratios() -> None:
    total = BoundaryCounts(8, 6, 10, 5) + BoundaryCounts(2, 0, 10, 5)
    assert total.precision == pytest.approx(0.6)
    assert total.recall == pytest.approx(0.5)
    assert total.f1 == pytest.approx(2 * 0.3 / 1.1)
    assert math.isnan(BoundaryCounts().f1)
    assert BoundaryCounts() + total == total
    assert BoundaryCounts(1, 0, 1, 0).f1 == 0


def test_nothing_to_find() -> None:
    empty = torch.zeros(30, 30, dtype=torch.bool)
    counts = count_boundaries(empty, square(5, 5, 10), everywhere())
    assert counts == BoundaryCounts(0, 0, 36, 0)
