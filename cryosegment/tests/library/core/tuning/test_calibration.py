# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable

import numpy as np
import pytest
import torch

from cryosegment.core.models.model import Model
from cryosegment.core.picking import Candidates
from cryosegment.core.pipeline.micrograph import pick_micrograph, prepare, segment
from cryosegment.core.tuning.calibration import (
    Judged,
    calibrate,
    fit_calibration,
    judge_candidates,
)
from cryosegment.core.tuning.pick_search import MappedImage
from cryosegment.exchange.params import CalibrationParams, PickParams, SelectionParams
from cryosegment.exchange.settings import pick_settings
from cryosegment.tests.labelled import labelled_image

TRUE = CalibrationParams(a=1.6, b=0.6, c=-0.5)


def draw(count: int, share: float = 1.0, seed: int = 0) -> Judged:
    """Candidates that are particles as often as `TRUE` says."""
    random = np.random.default_rng(seed)
    scores = random.beta(0.7, 0.7, count)
    return Judged(scores, random.random(count) < share * TRUE.probabilities(scores))


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_the_numbers_that_the_particles_were_drawn_by(share: float) -> None:
    """Also where the labels have but a share of the particles."""
    found = fit_calibration([draw(8000, share, 1), draw(8000, share, 2)], share)
    assert found is not None
    grid = np.linspace(0.01, 0.99, 99)
    error = np.abs(found.probabilities(grid) - TRUE.probabilities(grid))
    assert error.max() < 0.05
    assert error.mean() < 0.015


def test_the_sum_of_the_probabilities_is_the_number_of_particles() -> None:
    judged, other = draw(4000), draw(4000, seed=3)
    found = fit_calibration([judged])
    assert found is not None
    assert found.probabilities(judged.scores).sum() == pytest.approx(judged.hits.sum(), rel=0.002)
    assert found.probabilities(other.scores).sum() == pytest.approx(other.hits.sum(), rel=0.05)


def test_the_order_of_scores_that_say_nothing_is_kept() -> None:
    """Where high scores are particles less often, no factor turns negative."""
    scores = np.linspace(0.02, 0.98, 400)
    hits = np.random.default_rng(0).random(400) > scores
    found = fit_calibration([Judged(scores, hits)])
    assert found is not None
    assert found.a >= 0
    assert found.b >= 0
    assert (np.diff(found.probabilities(scores)) >= 0).all()


def test_too_few_to_learn_from() -> None:
    all_right = Judged(np.full(500, 0.9), np.ones(500, bool))
    assert fit_calibration([all_right]) is None
    assert fit_calibration([Judged(np.full(500, 0.1), np.zeros(500, bool))]) is None
    assert fit_calibration([]) is None


def test_candidates_at_the_border_are_not_judged() -> None:
    """As in picking; what the labels do not know is not, either."""
    known = torch.ones(100, 100, dtype=torch.bool)
    known[:, 70:] = False
    centers = torch.tensor([[50.0, 50.0], [30.0, 30.0], [50.0, 80.0], [4.0, 50.0]])
    item = labelled_image(torch.zeros(100, 100), centers[[0, 3]], 20.0, known)
    judged = judge_candidates(Candidates(centers, torch.tensor([0.9, 0.8, 0.7, 0.6])), item)
    np.testing.assert_allclose(judged.scores, [0.9, 0.8])
    np.testing.assert_array_equal(judged.hits, [True, False])


@pytest.mark.slow
def test_a_card_s_numbers_fit_what_picking_finds(draw_truth: Callable, disc_model: Model) -> None:
    """Discs of which every second one is labelled: a pick is one in half of the cases."""
    params = PickParams(diameter=60.0, crf="none")
    images = []
    for seed in range(5):
        truth = draw_truth("discs", (400, 320), seed=seed)
        working = prepare(truth.micrograph, pick_settings(params, disc_model.card))
        centers = torch.from_numpy(truth.centers_yx / np.array(working.scale_yx)).float()
        diameter = params.diameter / working.pixel_size
        item = labelled_image(working.image, centers[::2], diameter)
        images.append(MappedImage(segment(working, disc_model, None), item, diameter / 2))
    found = calibrate(images, SelectionParams())
    assert found is not None
    assert found.centers == "heatmap"
    raw = pick_micrograph(truth.micrograph, disc_model, params).candidates.scores
    assert found.probabilities(raw).mean() == pytest.approx(0.5, abs=0.1)
    assert calibrate(images[:1], SelectionParams()) is None
