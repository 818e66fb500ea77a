# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.core.evaluation.charts import percentages


@pytest.mark.parametrize("bins", [1, 7, 25])
def test_histograms_from_quantiles_are_those_of_the_distances(bins):
    distances = np.random.default_rng(0).gamma(3, 4, 20_000)
    edges = np.linspace(0, distances.max(), bins + 1)
    quantiles = np.quantile(distances, np.linspace(0, 1, 101)).tolist()
    found = percentages(quantiles, edges)
    expected = 100 * np.histogram(distances, edges)[0] / len(distances)
    assert found == pytest.approx(expected, abs=0.5)
    assert found.sum() == pytest.approx(100)
