# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np

from cryosegment.window.colors import BY_HAND, STEPS, ScoreColors


def test_most_colours_are_spent_where_the_picks_are() -> None:
    scores = np.random.default_rng(1).uniform(0.9, 0.95, 1000)
    colors = ScoreColors(scores)
    assert len(set(colors.of(np.linspace(0.9, 0.95, 200)))) > 0.7 * STEPS
    assert len(set(colors.of(np.linspace(0.0, 0.9, 200)))) < 0.3 * STEPS


def test_order_is_kept_and_unknown_scores_stand_out() -> None:
    colors = ScoreColors(np.empty(0))
    places = [colors.names.index(color) for color in colors.of(np.linspace(0, 1, 50))]
    assert places == sorted(places)
    assert places[-1] == STEPS - 1
    assert colors.of(np.array([np.nan])) == [BY_HAND]
    assert BY_HAND not in colors.names
