# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels of discs against those of scikit-image, and the three ways to read them."""

import numpy as np
import pytest
from skimage.draw import disk

from cryosegment.core.evaluation.discs import count_discs, disc_rows
from cryosegment.core.evaluation.pixels import PixelCounts
from cryosegment.exchange.coordinates import Coordinates


def drawn(centers, radius):
    image = np.zeros((200, 200), bool)
    for center in centers:
        image[disk(center, radius + 0.01, shape=image.shape)] = True
    return image


@pytest.mark.parametrize("seed", range(4))
def test_pixels_are_those_of_discs(seed):
    random = np.random.default_rng(seed)
    picks, reference = random.integers(0, 180, (2, 12, 2)).astype(float)
    counts = count_discs(Coordinates(picks / 2, 2.0, "m"), Coordinates(reference, 1.0, "m"), 30.0)
    one, two = drawn(picks, 15), drawn(reference, 15)
    assert counts.precision == pytest.approx((one & two).sum() / one.sum(), abs=1e-3)
    assert counts.recall == pytest.approx((one & two).sum() / two.sum(), abs=1e-3)
    assert counts.f1 == pytest.approx(2 * (one & two).sum() / (one.sum() + two.sum()), abs=1e-3)


def test_rows_are_of_all_pixels_of_the_mean_and_of_the_highest():
    counts = [PixelCounts(8, 2, 8, 0), PixelCounts(4, 4, 1, 0)]  # P .8, .5; R .5, .8
    total, mean, most = disc_rows(counts)
    assert (total.precision, total.recall) == pytest.approx((12 / 18, 12 / 21))
    assert (mean.precision, mean.recall) == pytest.approx((0.65, 0.65))
    assert mean.f1 == pytest.approx((16 / 26 + 8 / 13) / 2)
    assert (most.precision, most.recall, most.f1) == pytest.approx((0.8, 0.8, 0.8))


def test_micrographs_without_discs_have_no_part_in_the_mean():
    rows = disc_rows([PixelCounts(), PixelCounts(4, 4, 1, 0)])
    assert rows[1].precision == rows[0].precision == pytest.approx(0.5)
    assert len(disc_rows([PixelCounts()])) == 1
