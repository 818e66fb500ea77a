# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.core.evaluation.reliability import BINS, sums_by_bin


@pytest.mark.parametrize("count", [0, 200])
def test_sums_by_bin_are_those_of_a_histogram(count: int) -> None:
    random = np.random.default_rng(0)
    scores, hits = random.uniform(size=count), random.uniform(size=count) < 0.5
    for found, weights in zip(sums_by_bin(scores, hits), (None, scores, hits), strict=True):
        expected, _ = np.histogram(
            scores, BINS, (0, 1), weights=None if weights is None else weights.astype(float)
        )
        np.testing.assert_allclose(found, expected)
