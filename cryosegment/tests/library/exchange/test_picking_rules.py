# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest

from cryosegment.exchange.card import ModelCard, card_from_json
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import ModelError, ParameterError
from cryosegment.exchange.params import CalibrationParams, PickParams
from cryosegment.exchange.picking_rules import card_threshold, picking_rules
from cryosegment.exchange.records import record_to_dict

PARAMS = PickParams(diameter=100.0)
CARD = ModelCard("m", "compact", {}, 20.0, ("particle",), threshold=0.4)
NUMBERS = CalibrationParams(a=1.5, b=0.5, c=-0.7)
CALIBRATED = replace(CARD, calibration=record_to_dict(NUMBERS))
SCORES = np.array([0.05, 0.2, 0.4, 0.7, 0.95])


def test_probabilities_are_those_of_the_formula() -> None:
    odds = SCORES**1.5 / (1 - SCORES) ** 0.5 * np.exp(-0.7)
    found = NUMBERS.probabilities(SCORES)
    np.testing.assert_allclose(found, odds / (1 + odds))
    assert (np.diff(found) > 0).all()
    np.testing.assert_allclose(CalibrationParams().probabilities(SCORES), SCORES)
    ends = NUMBERS.probabilities(np.array([0.0, 1.0]))
    assert ends[0] == pytest.approx(0, abs=1e-6)
    assert 0.99 < ends[1] <= 1


def test_a_card_without_calibration_works_as_before() -> None:
    rules = picking_rules(CARD, PARAMS)
    assert rules.threshold_for(SCORES) == 0.4
    assert rules.scores(SCORES) is SCORES
    assert picking_rules(CARD, replace(PARAMS, threshold="0.9")).threshold_for(SCORES) == 0.9
    text = CARD.to_json().replace('"calibration": {}, ', "")
    assert "calibration" not in text
    assert card_from_json(text) == CARD


def test_a_calibrated_card() -> None:
    """Auto follows the candidates; the card's threshold is turned like the scores are."""
    assert card_from_json(CALIBRATED.to_json()) == CALIBRATED
    rules = picking_rules(CALIBRATED, PARAMS)
    assert rules.threshold is None
    scores = rules.scores(SCORES)
    np.testing.assert_allclose(scores, NUMBERS.probabilities(SCORES))
    assert (scores >= rules.threshold_for(scores)).sum() == 2
    of_card = picking_rules(CALIBRATED, replace(PARAMS, threshold="card"))
    assert of_card.threshold_for(scores) == pytest.approx(scores[2])
    assert card_threshold(CALIBRATED) == pytest.approx(scores[2])
    assert card_threshold(CARD) == 0.4
    other = replace(CALIBRATED, picking={"centers": "contour"})
    assert card_threshold(other) == 0.4
    given = picking_rules(CALIBRATED, replace(PARAMS, threshold="0.9"))
    assert given.threshold_for(scores) == 0.9


def test_scores_of_another_finder_are_not_calibrated() -> None:
    rules = picking_rules(CALIBRATED, replace(PARAMS, centers="contour"))
    assert rules.calibration is None
    assert rules.threshold == 0.4


def test_wishes() -> None:
    scores = NUMBERS.probabilities(SCORES)
    for wish, picks in (({"number": 3}, 3), ({"precision": 0.6}, 1), ({"precision": 0.1}, 5)):
        rules = picking_rules(CALIBRATED, replace(PARAMS, **wish))
        assert (scores >= rules.threshold_for(scores)).sum() == picks
    assert picking_rules(CARD, replace(PARAMS, number=2)).threshold_for(SCORES) == 0.55
    with pytest.raises(ParameterError, match="has no calibration for centres by heatmap"):
        picking_rules(CARD, replace(PARAMS, precision=0.9))
    for twice in ({"number": 3, "precision": 0.9}, {"number": 3, "threshold": "0.2"}):
        with pytest.raises(ParameterError, match="one of threshold, precision and number"):
            replace(PARAMS, **twice)


def test_masks_of_other_sizes_are_not_chosen() -> None:
    rules = picking_rules(CARD, replace(PARAMS, min_diameter="80"))
    candidates = Coordinates(
        np.zeros((4, 2)), 1.0, "a", scores=[0.9, 0.8, 0.5, 0.1], diameters=[90, 70, 81, 99]
    )
    np.testing.assert_array_equal(rules.has_size(candidates), [True, False, True, True])
    np.testing.assert_array_equal(rules.chosen(candidates, 0.4), [True, False, True, False])


def test_a_calibration_of_a_later_version() -> None:
    card = replace(CARD, calibration={"spline": [1, 2]})
    with pytest.raises(ModelError, match="install the cryosegment version that made it"):
        picking_rules(card, PARAMS)
