# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.doubts import has_diameter, summarise
from cryosegment.core.pipeline.micrograph import pick_micrograph
from cryosegment.core.pipeline.picks import Picks
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.params import CalibrationParams, PickParams
from cryosegment.exchange.pick_summary import (
    CONTAMINATED,
    GOOD,
    OTHER_CONTRAST,
    OTHER_DIAMETER,
)
from cryosegment.exchange.settings import PickSettings, pick_settings

pytestmark = pytest.mark.slow

PARAMS = PickParams(diameter=60.0, crf="none")
CALIBRATED = CalibrationParams()


@pytest.fixture
def picks(draw_truth: Callable, disc_model: Model) -> Picks:
    return pick_micrograph(draw_truth().micrograph, disc_model, PARAMS)


@pytest.fixture
def settings(disc_model: Model) -> PickSettings:
    return replace(pick_settings(PARAMS, disc_model.card), calibration=CALIBRATED)


def test_a_good_micrograph(picks: Picks, settings: PickSettings) -> None:
    summary = summarise(picks, settings)
    assert summary.doubts == ()
    assert summary.grade == GOOD
    assert summary.quality > 0.5
    assert summary.micrograph == "discs"
    assert summary.picks == len(picks.chosen) == 12
    assert summary.pixel_size == pytest.approx(2.0)
    assert summary.expected == pytest.approx(picks.candidates.scores.sum())
    assert summary.mean_score == pytest.approx(picks.chosen.scores.mean())
    assert summary.contamination == 0
    assert np.isnan(summarise(picks, replace(settings, calibration=None)).expected)


def test_contamination_counts_where_there_is_a_micrograph(
    picks: Picks, settings: PickSettings
) -> None:
    """A dead border is neither clean nor contaminated."""
    contamination, valid = torch.zeros_like(picks.maps.contamination), picks.maps.valid.clone()
    height = len(valid)
    valid[height // 2 :] = False
    for rows, share, grade in ((0.2, 0.4, GOOD), (0.4, 0.8, CONTAMINATED)):
        contamination[: round(rows * height)] = 0.9
        contamination[height // 2 :] = 0.9
        maps = replace(picks.maps, contamination=contamination, valid=valid)
        summary = summarise(replace(picks, maps=maps), settings)
        assert summary.contamination == pytest.approx(share, abs=0.01)
        assert summary.grade == grade


def test_another_diameter(picks: Picks, settings: PickSettings) -> None:
    for diameter, doubts in ((60.0, ()), (32.0, (OTHER_DIAMETER,)), (130.0, (OTHER_DIAMETER,))):
        other = replace(settings, diameter=diameter)
        assert summarise(picks, other).doubts == doubts
        assert summarise(picks, replace(other, draws_outlines=False)).doubts == ()


def in_a_row(long_axes: list[float], apart: float) -> Coordinates:
    """Masks on a line, so many Å apart."""
    centers_yx = np.stack((np.zeros(len(long_axes)), apart * np.arange(len(long_axes))), axis=1)
    return Coordinates(centers_yx, 1.0, "row", long_axes=long_axes)


def test_masks_that_are_no_diameter_long() -> None:
    """The 85th percentile of their long axes counts, where it is 0.925 of the diameter."""
    masks = [*[60.0] * 15, *[92.5] * 5]
    for diameter, is_it in ((100.0, True), (140.0, True), (145.0, False), (75.0, True)):
        assert has_diameter(in_a_row(masks, 500.0), diameter) == is_it
    assert not has_diameter(in_a_row(masks, 500.0), 70.0)
    assert has_diameter(in_a_row([*[92.5] * 9, *[np.nan] * 30], 500.0), 10.0)  # too few to tell
    assert not has_diameter(in_a_row([92.5] * 10, 500.0), 10.0)


def test_masks_that_reach_beyond_the_nearest_particle() -> None:
    assert has_diameter(in_a_row([92.5] * 20, 67.0), 100.0)
    assert not has_diameter(in_a_row([92.5] * 20, 66.0), 100.0)


def test_another_contrast(draw_truth: Callable, disc_model: Model) -> None:
    truth = draw_truth()
    inverse = replace(truth.micrograph, image=-truth.micrograph.image)
    for micrograph, contrast, is_odd in (
        (truth.micrograph, "dark", False),
        (inverse, "bright", False),
        (inverse, "dark", True),
        (truth.micrograph, "bright", True),
        (inverse, "auto", False),
    ):
        params = replace(PARAMS, contrast=contrast)
        picks = pick_micrograph(micrograph, disc_model, params)
        doubts = summarise(picks, pick_settings(params, disc_model.card)).doubts
        assert (OTHER_CONTRAST in doubts) == is_odd
