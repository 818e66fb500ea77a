# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from cryosegment.core.evaluation.boundaries import BoundaryCounts
from cryosegment.core.evaluation.pixels import PixelCounts
from cryosegment.core.tuning.crf_search import (
    Score,
    SegmentedImage,
    judge,
    score_crf,
    tune_crf,
)
from cryosegment.core.tuning.trials import Trial
from cryosegment.exchange.params import CrfParams
from cryosegment.exchange.progress import no_progress

WEAK, STRONG = CrfParams(gaussian_weight=0.5), CrfParams(gaussian_weight=5.0)


def score(right: int) -> Score:
    """IoU and boundary F1 of `right` percent."""
    return Score(
        PixelCounts(true_positives=right, false_negatives=100 - right),
        BoundaryCounts(100, right, 100, right),
    )


def noisy_image(seed: int, noise: float) -> SegmentedImage:
    random = np.random.default_rng(seed)
    mask = gaussian_filter(random.normal(size=(60, 60)), 4) > 0
    logits = 2.0 * np.where(mask, 1, -1) + noise * random.normal(size=mask.shape)
    everywhere = torch.ones(60, 60, dtype=torch.bool)
    logits = torch.from_numpy(logits).float()
    features = {"logits": logits[None]}
    return SegmentedImage(logits, features, torch.from_numpy(mask), everywhere, everywhere)


def test_value_is_the_mean_of_iou_and_boundary_f1() -> None:
    assert score(60).value == pytest.approx(0.6)
    total = score(60) + score(20)
    assert total.value == pytest.approx(0.4)
    assert Score(PixelCounts(), BoundaryCounts()).value == 0


def test_halves_judge_each_other() -> None:
    none = Trial(None, [score(50), score(50), score(50), score(50)])
    good = Trial(WEAK, [score(60), score(58), score(60), score(58)])
    lucky = Trial(STRONG, [score(90), score(40), score(90), score(40)])
    found = judge([none, good])
    assert found.choice.settings == WEAK
    assert found.gain == pytest.approx((0.1 + 0.08) / 2)
    spoiled = judge([none, lucky])  # best over all images, and chosen by the even half only
    assert spoiled.best is lucky
    assert spoiled.gain == pytest.approx((-0.1 + 0.0) / 2)
    assert spoiled.choice is none


def test_noise_is_smoothed() -> None:
    images = [noisy_image(seed, noise=2.5) for seed in range(2)]
    told: list[tuple[int, int]] = []
    found = tune_crf(images, 1.5, 12, 0, lambda done, total, _: told.append((done, total)))
    assert len(found.trials) == 13
    assert told[0] == (1, 12)
    assert told[-1] == (12, 12)
    assert found.choice.settings is not None
    assert found.choice.settings.temperature == 1.5
    assert found.gain > 0.1
    before, after = (trial.total(range(2)) for trial in (found.trials[0], found.best))
    assert after.pixels.iou > before.pixels.iou + 0.05
    assert after.boundaries.f1 > before.boundaries.f1 + 0.05
    again = tune_crf(images, 1.5, 12, 0, no_progress)
    assert again.choice.settings == found.choice.settings
    other = tune_crf(images, 1.5, 12, 1, no_progress)
    assert [t.settings for t in other.trials] != [t.settings for t in again.trials]


def test_perfect_logits_need_no_crf() -> None:
    images = [noisy_image(seed, noise=0.0) for seed in range(2)]
    found = tune_crf(images, 1.0, 8, 0, no_progress)
    assert found.choice.settings is None
    assert found.trials[0].results[0].value == 1


def test_only_known_pixels_count_and_only_valid_ones_take_part() -> None:
    image = noisy_image(0, noise=2.5)
    half = image.known.clone()
    half[:, 30:] = False
    spoiled = torch.where(half, image.logits, -image.logits)
    partly = SegmentedImage(spoiled, {}, image.mask, half, half)
    crf = CrfParams(gaussian_weight=4.0)
    counted = score_crf(partly, crf)
    assert sum(vars(counted.pixels).values()) == 30 * 60
    assert counted.pixels.iou > 0.85
    careless = SegmentedImage(spoiled, {}, image.mask, half, torch.ones_like(half))
    assert score_crf(careless, crf).pixels.iou < counted.pixels.iou
