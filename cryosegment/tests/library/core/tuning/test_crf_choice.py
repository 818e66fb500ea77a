# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.micrograph import prepare
from cryosegment.core.tuning.crf_choice import choose_card_crf
from cryosegment.exchange.labels import BACKGROUND, PARTICLE
from cryosegment.exchange.params import CrfParams, PickParams
from cryosegment.exchange.settings import pick_settings

pytestmark = pytest.mark.slow

DIAMETER = 60.0
GENTLE = CrfParams(gaussian_weight=0.1)
CRUEL = CrfParams(gaussian_weight=200.0, gaussian_sigma=40.0)
"""A CRF that lets the majority decide, which is background."""


def labelled_image(truth: object, model: Model, swollen: float = 1.0) -> LabelledImage:
    """The exact labels of a drawn micrograph, or discs that are larger."""
    working = prepare(truth.micrograph, pick_settings(PickParams(diameter=DIAMETER), model.card))
    centers = torch.from_numpy(truth.centers_yx / working.scale_yx[0]).float()
    rows, columns = (torch.arange(side).float() for side in working.image.shape)
    radius = swollen * DIAMETER / working.pixel_size / 2
    squares = (rows[None, :, None] - centers[:, :1, None]) ** 2
    squares = squares + (columns[None, None, :] - centers[:, 1:, None]) ** 2
    distance, nearest = squares.min(0)
    instances = torch.where(distance <= radius**2, nearest + 1, 0)
    return LabelledImage(
        working=working,
        instances=instances.int(),
        classes=torch.where(instances > 0, PARTICLE, BACKGROUND),
        centers_yx=centers,
        diameter=DIAMETER / working.pixel_size,
        micrograph=truth.micrograph.name,
        has_outlines=True,
    )


@pytest.mark.parametrize(("crf", "kept"), [(GENTLE, True), (CRUEL, False), (None, True)])
def test_what_spoils_masks_is_not_recommended(
    draw_truth: Callable, disc_model: Model, crf: CrfParams | None, kept: bool
) -> None:
    model = Model(
        disc_model.network, replace(disc_model.card, use=replace(disc_model.card.use, crf=crf))
    )
    told: list[str] = []
    item = labelled_image(draw_truth(), model)
    card = choose_card_crf(model, [item], lambda done, total, text: told.append(text))
    assert (card.use.crf == crf) is kept
    assert card == replace(model.card, use=replace(model.card.use, crf=card.use.crf))
    assert len(told) == (crf is not None)


def test_outlines_count_where_there_are_any(draw_truth: Callable, disc_model: Model) -> None:
    """A CRF that shrinks masks: right for outlines that are smaller, of no account for discs."""
    shrinking = CrfParams(gaussian_weight=20.0, gaussian_sigma=8.0)
    model = Model(
        disc_model.network,
        replace(disc_model.card, use=replace(disc_model.card.use, crf=shrinking)),
    )
    large, small = (labelled_image(draw_truth(), model, swollen) for swollen in (1.2, 0.7))
    outlined = choose_card_crf(model, [large], lambda *told: None)
    assert outlined.use.crf is None
    for item in (small, replace(large, has_outlines=False)):
        assert choose_card_crf(model, [item], lambda *told: None).use.crf == shrinking
