# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from cryosegment.exchange.mixture import (
    FEW,
    PARTICLES,
    SHARE,
    WEIGHT,
    probabilities_in_data_set,
)


def data_set(particles: int, others: int, mean: float, deviation: float = 1.0) -> np.ndarray:
    """Log odds of particles, then of other candidates."""
    random = np.random.default_rng(0)
    return np.concatenate(
        [random.normal(mean, deviation, particles), random.normal(-1.0, 1.5, others)]
    )


@pytest.mark.parametrize(("particles", "mean", "deviation"), [(3000, 5, 0.8), (90, 3, 1.2)])
def test_the_result_is_what_its_own_particles_give(
    particles: int, mean: float, deviation: float
) -> None:
    """Moments with those of the prior, and Bayes' rule, by SciPy; clear of the tails."""
    log_odds = data_set(particles, 200, mean, deviation)
    found = probabilities_in_data_set(expit(log_odds))
    weights = np.append(found, [WEIGHT / 2, WEIGHT / 2])
    prior = [PARTICLES[0] - PARTICLES[1], PARTICLES[0] + PARTICLES[1]]
    values = np.append(log_odds, prior)
    fitted = np.average(values, weights=weights)
    spread = np.average((values - fitted) ** 2, weights=weights) ** 0.5
    priors = found.sum() + 1, len(found) - found.sum() + 1
    densities = norm(fitted, spread).pdf(log_odds), norm(-1.0, 1.5).pdf(log_odds)
    odds = np.log(priors[0] * densities[0]) - np.log(priors[1] * densities[1])
    share = SHARE * len(found) / (len(found) + FEW)
    between = (log_odds > -1.0) & (log_odds < fitted)
    wanted = expit(share * odds + (1 - share) * log_odds)
    np.testing.assert_allclose(found[between], wanted[between], atol=1e-3)


def test_clear_particles_make_middling_scores_unlikely() -> None:
    """The sum of the probabilities is nearer to the number of particles than before."""
    probabilities = expit(data_set(20, 60, 5.0, 0.6))
    found = probabilities_in_data_set(probabilities)
    assert 18 < found.sum() < 0.8 * probabilities.sum()
    assert found[:20].min() > 0.8


def test_weak_particles_are_not_given_up() -> None:
    """Where most particles have middling scores, these mean more."""
    log_odds = data_set(3000, 500, 1.5, 0.7)
    assert probabilities_in_data_set(expit(log_odds))[:3000].mean() > 0.85


@pytest.mark.parametrize("seed", range(5))
def test_the_order_stays(seed: int) -> None:
    random = np.random.default_rng(seed)
    probabilities = np.sort(random.beta(0.4, 0.4, random.integers(1, 300)))
    found = probabilities_in_data_set(probabilities)
    assert (np.diff(found) >= 0).all()
    assert 0 <= found.min() <= found.max() <= 1


def test_particles_without_anything_else_are_not_split() -> None:
    """All are particles, those of lower scores, too."""
    found = probabilities_in_data_set(expit(np.random.default_rng(0).normal(5.9, 0.8, 300)))
    assert found.min() > 0.9


def test_a_score_beyond_all_others_is_no_doubt() -> None:
    """Particles of one narrow peak, and one that is far clearer than these."""
    log_odds = np.append(data_set(3000, 300, 3.0, 0.3), 9.0)
    found = probabilities_in_data_set(expit(log_odds))
    assert found[-1] == found.max() > 0.99


def test_no_candidates() -> None:
    assert len(probabilities_in_data_set(np.empty(0))) == 0
