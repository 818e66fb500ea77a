# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.core.particles.right_poses import right_poses


def mixture(right: int, wrong: int, mean: float) -> np.ndarray:
    random = np.random.default_rng(0)
    return np.concatenate((random.normal(mean, 0.04, right), random.normal(0, 0.02, wrong)))


@pytest.mark.parametrize(("right", "wrong"), [(600, 400), (200, 800), (900, 100)])
def test_probabilities_are_those_of_the_mixture(right: int, wrong: int) -> None:
    """Bayes' rule with the distributions that the values were drawn from."""
    values = mixture(right, wrong, 0.1)
    found = right_poses(values)
    densities = [
        count / deviation * np.exp(-0.5 * ((values - mean) / deviation) ** 2)
        for count, mean, deviation in ((right, 0.1, 0.04), (wrong, 0.0, 0.02))
    ]
    expected = densities[0] / sum(densities)
    between = (values > 0) & (values < 0.1)  # beyond both means the rarer tail does not win
    np.testing.assert_allclose(found[between], expected[between], atol=0.12)
    assert found.sum() == pytest.approx(right, rel=0.1)
    assert (np.diff(found[np.argsort(values)]) >= 0).all()


def test_all_right_and_all_wrong() -> None:
    right = right_poses(mixture(500, 0, 0.25))
    assert right.mean() > 0.99
    assert right.min() > 0.7
    assert right_poses(mixture(0, 500, 0.1)).mean() < 0.4


def test_unknown_ones_have_the_share_of_the_others() -> None:
    values = mixture(300, 200, 0.15)
    values[::5] = np.nan
    found = right_poses(values)
    np.testing.assert_allclose(found[::5], np.nanmean(found[~np.isnan(values)]))
    assert found[0] == pytest.approx(0.6, abs=0.05)
    assert right_poses(np.full(3, np.nan)).tolist() == [1, 1, 1]


def test_few_and_equal_values() -> None:
    assert np.isfinite(right_poses(np.zeros(4))).all()
    assert len(right_poses(np.empty(0))) == 0
