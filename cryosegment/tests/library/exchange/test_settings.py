# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest

from cryosegment.exchange.card import ModelCard, TrainedNetwork, Use, card_from_json
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.mixture import probabilities_in_data_set
from cryosegment.exchange.params import (
    CRF_PRESETS,
    DROP,
    FLAG,
    CalibrationParams,
    CrfMapsParams,
    CrfParams,
    InputParams,
    PickParams,
    SelectionParams,
)
from cryosegment.exchange.settings import (
    chosen_crf,
    crf_of_maps,
    pick_settings,
    recommended_threshold,
)
from cryosegment.exchange.thresholds import threshold_of_best_f1

PARAMS = PickParams(diameter=100.0)
CARD = ModelCard("m", TrainedNetwork("compact", {}, ("particle",)), InputParams(20.0), Use(0.4))
NUMBERS = CalibrationParams(a=1.5, b=0.5, c=-0.7)
CALIBRATED = replace(CARD, use=replace(CARD.use, calibration=NUMBERS))
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
    settings = pick_settings(PARAMS, CARD)
    assert settings.threshold_for(SCORES) == 0.4
    assert settings.scores(SCORES) is SCORES
    assert pick_settings(replace(PARAMS, threshold="0.9"), CARD).threshold_for(SCORES) == 0.9


def test_a_calibrated_card() -> None:
    """Auto follows the candidates; the card's threshold is turned like the scores are."""
    assert card_from_json(CALIBRATED.to_json()) == CALIBRATED
    settings = pick_settings(PARAMS, CALIBRATED)
    assert settings.threshold is None
    scores = settings.scores(SCORES)
    np.testing.assert_allclose(scores, NUMBERS.probabilities(SCORES))
    probabilities = probabilities_in_data_set(scores)
    best = threshold_of_best_f1(scores, probabilities)
    assert settings.threshold_for(scores) == best != threshold_of_best_f1(scores, scores)
    of_card = pick_settings(replace(PARAMS, threshold="card"), CALIBRATED)
    assert of_card.threshold_for(scores) == pytest.approx(scores[2])
    assert recommended_threshold(CALIBRATED) == pytest.approx(scores[2])
    assert recommended_threshold(CARD) == 0.4
    contour = replace(CALIBRATED.use, selection=SelectionParams("contour"))
    other = replace(CALIBRATED, use=contour)
    assert recommended_threshold(other) == 0.4
    given = pick_settings(replace(PARAMS, threshold="0.9"), CALIBRATED)
    assert given.threshold_for(scores) == 0.9


def test_scores_of_another_finder_are_not_calibrated() -> None:
    settings = pick_settings(replace(PARAMS, centers="contour"), CALIBRATED)
    assert settings.calibration is None
    assert settings.threshold == 0.4


def test_wishes() -> None:
    scores = NUMBERS.probabilities(SCORES)
    likely = probabilities_in_data_set(scores)[-1]
    wishes = ({"precision": float(likely) - 0.01}, 1), ({"precision": float(likely) + 0.01}, 0)
    for wish, picks in (({"number": 3}, 3), *wishes, ({"precision": 0.1}, 5)):
        settings = pick_settings(replace(PARAMS, **wish), CALIBRATED)
        assert (scores >= settings.threshold_for(scores)).sum() == picks
    assert pick_settings(replace(PARAMS, number=2), CARD).threshold_for(SCORES) == 0.55
    with pytest.raises(ParameterError, match="has no calibration for centres by heatmap"):
        pick_settings(replace(PARAMS, precision=0.9), CARD)
    for twice in ({"number": 3, "precision": 0.9}, {"number": 3, "threshold": "0.2"}):
        with pytest.raises(ParameterError, match="one of threshold, precision and number"):
            replace(PARAMS, **twice)


@pytest.mark.parametrize(
    ("source", "are_outlines"),
    [
        ("", True),
        ("reconstruction, simulation", True),
        ("coordinates", False),
        ("picked coordinates, simulation", False),
        ("picks", False),
    ],
)
def test_discs_are_no_outlines(source: str, are_outlines: bool) -> None:
    card = replace(CARD, provenance=replace(CARD.provenance, label_source=source))
    assert pick_settings(PARAMS, card).draws_outlines == are_outlines


def test_masks_of_other_sizes_are_not_chosen() -> None:
    settings = pick_settings(replace(PARAMS, min_diameter="80"), CARD)
    candidates = Coordinates(
        np.zeros((4, 2)), 1.0, "a", scores=[0.9, 0.8, 0.5, 0.1], diameters=[90, 70, 81, 99]
    )
    np.testing.assert_array_equal(settings.is_eligible(candidates), [True, False, True, True])
    np.testing.assert_array_equal(settings.chosen(candidates, 0.4), [True, False, True, False])


def test_picks_on_contamination_are_dropped_or_flagged() -> None:
    candidates = Coordinates(
        np.zeros((4, 2)), 1.0, "a", scores=[0.9] * 4, contamination=[0.0, 0.5, 0.51, np.nan]
    )
    for choice, expected in ((DROP, [True, True, False, True]), (FLAG, [True] * 4)):
        settings = pick_settings(replace(PARAMS, contaminated=choice), CARD)
        assert settings.is_eligible(candidates).tolist() == expected
        assert settings.chosen(candidates, 0.5).tolist() == expected


def test_picks_on_filaments_are_dropped_or_flagged() -> None:
    candidates = Coordinates(np.zeros((3, 2)), 1.0, "a", scores=[0.9] * 3, filaments=[0, 1, np.nan])
    for choice, expected in ((DROP, [True, False, True]), (FLAG, [True] * 3)):
        settings = pick_settings(replace(PARAMS, filaments=choice), CARD)
        assert settings.is_eligible(candidates).tolist() == expected


def test_picking_takes_from_the_card_what_is_auto() -> None:
    """The parameters come before the card, and the card before the default."""
    assert pick_settings(PARAMS, CARD).selection == SelectionParams()
    own = SelectionParams("contour", 0.3, 0.7, 0.4, 0.0)
    card = replace(CARD, use=replace(CARD.use, selection=own))
    assert pick_settings(PARAMS, card).selection == own
    given = replace(
        PARAMS, centers="grid-nms", min_distance="0.6", min_diameter="0", max_diameter="150"
    )
    expected = SelectionParams("grid-nms", 0.0, 0.6, 0.0, 1.5)
    assert pick_settings(given, card).selection == expected
    assert pick_settings(replace(PARAMS, centers="contour"), card).selection == own


def test_what_picking_runs_on_is_complete() -> None:
    seen = replace(CARD.input, contrast="bright")
    params = replace(PARAMS, pixel_size=1.5, contrast="dark", edge=0.25)
    found = pick_settings(params, replace(CARD, input=seen))
    assert (found.input, found.diameter, found.pixel_size) == (seen, 100.0, 1.5)
    assert (found.contrast, found.edge, found.crf) == ("dark", 0.25, None)


def test_the_crf() -> None:
    own = CrfParams(temperature=1.3, appearance=("logits:1:10:2",))
    card = replace(CARD, use=replace(CARD.use, crf=own))
    assert chosen_crf("none", card) is None
    assert chosen_crf("auto", CARD) is None
    assert chosen_crf("auto", card) == own
    assert chosen_crf("intensity", card) == CRF_PRESETS["intensity"]
    changed = replace(PARAMS, crf_solver="l2", crf_strength=2.0)
    expected = replace(own, solver="l2", gaussian_weight=2.0, appearance=("logits:2:10:2",))
    assert pick_settings(changed, card).crf == expected
    assert pick_settings(replace(changed, crf="none"), card).crf is None


def test_the_crf_of_saved_maps() -> None:
    own = CrfParams(solver="l2", iterations=7, appearance=("logits:1:10:2",))
    card = replace(CARD, use=replace(CARD.use, crf=own))
    assert crf_of_maps(CrfMapsParams(), card) == own
    changed = CrfMapsParams(
        solver="mean-field", engine="exact", appearance=("intensity:1:5:1",), strength=3.0
    )
    expected = CrfParams(
        "mean-field", "exact", 7, gaussian_weight=3.0, appearance=("intensity:3:5:1",)
    )
    assert crf_of_maps(changed, card) == expected
    with pytest.raises(InputError, match="card of m recommends no CRF"):
        crf_of_maps(CrfMapsParams(), CARD)
