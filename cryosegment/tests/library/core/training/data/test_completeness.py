# SPDX-License-Identifier: GPL-3.0-or-later

import numpy as np
import pytest
import torch
from torch import nn

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.training.data.completeness import (
    estimate_share,
    labelled_share,
    share_with_picks,
)
from cryosegment.core.tuning.thresholds import THRESHOLDS, Counts
from cryosegment.exchange.errors import InputError
from cryosegment.tests.labelled import labelled_image


def counts(scores: np.ndarray, is_particle: np.ndarray, is_labelled: np.ndarray) -> Counts:
    """Counts of picks with these scores."""
    chosen = scores >= THRESHOLDS[:, None]
    is_hit = is_particle & is_labelled
    return Counts((chosen & is_hit).sum(1), chosen.sum(1), int(is_hit.sum()))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 1.0])
def test_the_share_is_found_from_picks_of_which_a_third_is_wrong(share: float) -> None:
    random = np.random.default_rng(1)
    is_particle = np.arange(6000) < 4000
    scores = np.where(is_particle, random.normal(0.6, 0.1, 6000), random.normal(0.3, 0.1, 6000))
    is_labelled = random.random(6000) < share
    found = counts(scores, is_particle, is_labelled)
    assert estimate_share(found) == pytest.approx(share, rel=0.1)
    assert found.hits[0] / found.picks[0] == pytest.approx(share * 2 / 3, rel=0.1)


def test_a_few_lucky_picks_are_no_evidence() -> None:
    """Of 1,000 picks 300 are labelled; of the surest 120, 100; of the surest 36, 12."""
    shape = THRESHOLDS.shape
    hits, picks = np.full(shape, 300), np.full(shape, 1000)
    hits[-5:], picks[-5:] = 100, 120
    assert estimate_share(Counts(hits, picks, 400)) == pytest.approx(100 / 120)
    hits[-5:], picks[-5:] = 12, 36
    assert estimate_share(Counts(hits, picks, 400)) == pytest.approx(0.3)


def test_a_network_that_finds_nothing_has_no_opinion() -> None:
    nothing = np.zeros_like(THRESHOLDS, int)
    with pytest.raises(InputError, match="found 3: give --expected-particles"):
        estimate_share(Counts(nothing + 3, nothing + 50, 80))


def labelled(count: int, is_verified: bool = True) -> LabelledImage:
    image = torch.zeros(40, 40)
    return labelled_image(image, torch.rand(count, 2), 10.0, is_verified=is_verified)


def test_the_expected_number_decides_where_it_is_given() -> None:
    """Of micrographs with labels, which are no picker's."""
    images = [labelled(10), labelled(30), labelled(0), labelled(99, is_verified=False)]
    assert labelled_share(nn.Identity(), images, 80.0) == 0.25
    assert labelled_share(nn.Identity(), images, 20.0) == 1.0
    with pytest.raises(InputError, match=r"expected 19 particles .* found 20 labelled"):
        labelled_share(nn.Identity(), images, 19.0)


def test_a_picker_labels_all_that_it_sees() -> None:
    """Of 80 + 60 particles 40 + 60 are labelled."""
    images = [labelled(40), labelled(60, is_verified=False)]
    assert share_with_picks(images, 0.5) == pytest.approx(100 / 140)
    assert share_with_picks(images[:1], 0.5) == 0.5
    assert share_with_picks(images, 1.0) == 1.0
