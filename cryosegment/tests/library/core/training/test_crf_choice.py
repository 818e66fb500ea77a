# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.core.pipeline import Model, pick_micrograph, prepare
from cryosegment.core.training.crf_choice import choose_card_crf
from cryosegment.core.training.labelled import LabelledImage
from cryosegment.core.training.validation import THRESHOLDS, middle_of_plateau
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.params import CrfParams, PickParams, params_to_dict

DIAMETER = 60.0
GENTLE = params_to_dict(CrfParams(gaussian_weight=0.1))
CRUEL = params_to_dict(CrfParams(gaussian_weight=200.0, gaussian_sigma=40.0))
"""A CRF that lets the majority decide, which is background."""


def labelled_image(truth: object, model: Model, swollen: float = 1.0) -> LabelledImage:
    """The exact labels of a drawn micrograph, or discs that are larger."""
    working = prepare(truth.micrograph, PickParams(diameter=DIAMETER), model.card)
    centers = torch.from_numpy(truth.centers_yx / working.scale_yx[0]).float()
    rows, columns = (torch.arange(side).float() for side in working.image.shape)
    radius = swollen * DIAMETER / working.pixel_size / 2
    squares = (rows[None, :, None] - centers[:, :1, None]) ** 2
    squares = squares + (columns[None, None, :] - centers[:, 1:, None]) ** 2
    distance, nearest = squares.min(0)
    instances = torch.where(distance <= radius**2, nearest + 1, 0)
    nothing = torch.zeros_like(working.valid)
    return LabelledImage(
        image=working.image,
        instances=instances,
        edge=nothing,
        contamination=nothing,
        valid=working.valid,
        known=working.valid,
        centers_yx=centers,
        diameter=DIAMETER / working.pixel_size,
        pixel_size=working.pixel_size,
        micrograph=Path(truth.micrograph.name),
        has_outlines=True,
    )


@pytest.mark.parametrize(("crf", "kept"), [(GENTLE, True), (CRUEL, False), ({}, True)])
def test_what_finds_less_is_not_recommended(
    draw_truth: Callable, disc_model: Model, crf: dict, kept: bool
) -> None:
    truth = draw_truth()
    model = Model(disc_model.network, replace(disc_model.card, crf=crf))
    told: list[str] = []
    card, found = choose_card_crf(
        model, [labelled_image(truth, model)], 1.0, lambda done, total, text: told.append(text)
    )
    assert (card.crf == crf) is kept
    assert len(told) == bool(crf)
    used = Model(model.network, replace(card, threshold=found.threshold))
    picks = pick_micrograph(truth.micrograph, used, PickParams(diameter=DIAMETER, edge=0.0))
    reference = {truth.micrograph.name: Coordinates(truth.centers_yx, 2.0, truth.micrograph.name)}
    chosen = {truth.micrograph.name: picks.chosen}
    assert evaluate(chosen, reference, DIAMETER).overall.f1 == pytest.approx(found.score, abs=0.02)


def test_the_threshold_is_that_of_picks_with_the_crf(
    draw_truth: Callable, disc_model: Model
) -> None:
    truth = draw_truth()
    name = truth.micrograph.name
    crf = params_to_dict(CrfParams(gaussian_weight=20.0, gaussian_sigma=8.0))
    model = Model(disc_model.network, replace(disc_model.card, crf=crf))
    item = replace(labelled_image(truth, model), has_outlines=False)
    card, found = choose_card_crf(model, [item], 1.0, lambda *told: None)
    assert card.crf == crf
    reference = {name: Coordinates(truth.centers_yx, 2.0, name)}

    def f1(crf: str) -> np.ndarray:
        params = PickParams(diameter=DIAMETER, edge=0.0, crf=crf)
        every = pick_micrograph(truth.micrograph, model, params).candidates
        chosen = [every.select(every.scores >= threshold) for threshold in THRESHOLDS]
        return np.array([evaluate({name: one}, reference, DIAMETER).overall.f1 for one in chosen])

    assert found.threshold == pytest.approx(middle_of_plateau(f1("auto")))
    assert found.threshold != pytest.approx(middle_of_plateau(f1("none")))


def test_outlines_count_where_there_are_any(draw_truth: Callable, disc_model: Model) -> None:
    """A CRF that shrinks masks: right for outlines that are smaller, of no account for discs."""
    shrinking = params_to_dict(CrfParams(gaussian_weight=20.0, gaussian_sigma=8.0))
    model = Model(disc_model.network, replace(disc_model.card, crf=shrinking))
    large, small = (labelled_image(draw_truth(), model, swollen) for swollen in (1.2, 0.7))
    outlined = choose_card_crf(model, [large], 1.0, lambda *told: None)[0]
    assert outlined.crf == {"preset": "none"}
    for item in (small, replace(large, has_outlines=False)):
        assert choose_card_crf(model, [item], 1.0, lambda *told: None)[0].crf == shrinking
