# SPDX-License-Identifier: GPL-3.0-or-later
"""Mean images against loops over pixels."""

import numpy as np
import pytest
import torch

from cryosegment.core.images.micrograph import write_image
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.survey.appearance import (
    BACKGROUND,
    PIXELS,
    SIDE,
    Appearance,
    Appearances,
    read_shown,
)
from cryosegment.exchange.coordinates import Coordinates

CENTERS = [(40, 50), (70, 30), (100, 90), (60, 60)]
SCORES = [0.1, 0.9, 0.4, 0.6]


@pytest.fixture
def working():
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(150, 120))).float()
    return WorkingImage(image, torch.ones(150, 120, dtype=torch.bool), 4.0, (2.0, 2.0))


def picks(centers, scores=()):
    return Coordinates(2 * np.array(centers, float), 2.0, "a", scores)


def box(working, center):
    """Image around a centre, less the mean of what is far from it, pixel by pixel."""
    y, x = center
    found, far = np.zeros((SIDE, SIDE)), []
    for i in range(SIDE):
        for j in range(SIDE):
            found[i, j] = working.image[y - PIXELS + i, x - PIXELS + j]
            if (i - PIXELS) ** 2 + (j - PIXELS) ** 2 > (BACKGROUND * PIXELS) ** 2:
                far.append(found[i, j])
    return found - np.mean(far)


def test_each_group_of_scores_has_the_mean_of_its_images(working):
    found = Appearances(np.array(SCORES))
    found.add(working, picks(CENTERS, SCORES))
    means = found.means()
    assert [each.count for each in means] == [1, 1, 1, 1]
    assert [each.lowest for each in means] == pytest.approx([0.1, 0.325, 0.5, 0.675])
    for mean, row in zip(means, np.argsort(SCORES), strict=True):
        np.testing.assert_allclose(mean.image, box(working, CENTERS[row]), atol=1e-6)


def test_picks_without_scores_are_one_group(working):
    found = Appearances(np.full(4, np.nan))
    found.add(working, picks(CENTERS))
    found.add(working, picks(CENTERS[:2]))
    (mean,) = found.means()
    assert mean.count == 6
    weights = (2, 2, 1, 1)
    total = sum(w * box(working, c) for w, c in zip(weights, CENTERS, strict=True))
    np.testing.assert_allclose(mean.image, total / 6, atol=1e-6)


def test_images_that_leave_the_valid_area_are_left_out(working):
    found = Appearances(np.array([np.nan]))
    found.add(working, picks([(PIXELS, PIXELS), (PIXELS - 1, 60), (149 - PIXELS + 1, 60)]))
    assert [each.count for each in found.means()] == [1]
    working.valid[:, :10] = False
    found.add(working, picks([(60, PIXELS + 9), (60, PIXELS + 10)]))
    assert [each.count for each in found.means()] == [2]
    assert Appearances(np.empty(0)).means() == []


def test_the_profile_is_the_mean_at_each_radius():
    image = np.random.default_rng(2).normal(size=(SIDE, SIDE))
    at = {}
    for i in range(SIDE):
        for j in range(SIDE):
            at.setdefault(round(np.hypot(i - PIXELS, j - PIXELS)), []).append(image[i, j])
    expected = [np.mean(at[radius]) for radius in range(PIXELS + 1)]
    np.testing.assert_allclose(Appearance(0.0, 1, image).profile, expected)


def test_dark_discs_of_a_micrograph_are_dark_in_the_mean(tmp_path):
    random = np.random.default_rng(3)
    centers = np.array([(y, x) for y in range(100, 500, 100) for x in range(100, 500, 100)])
    image = random.normal(size=(600, 600))
    rows, columns = np.mgrid[:600, :600]
    for y, x in centers:
        image[np.hypot(rows - y, columns - x) < 20] -= 2
    write_image(tmp_path / "a.mrc", image.astype(np.float32), 3.0)
    shown = read_shown(tmp_path / "a.mrc", "a", 3.0, 120.0)
    found = Appearances(np.array([np.nan]))
    found.add(shown, Coordinates(centers, 3.0, "a"))
    (mean,) = found.means()
    profile = mean.profile
    assert mean.count == 16
    assert profile[:9].max() < -1 < -0.2 < profile[16:].min()  # its radius is 12 px
    assert np.argmax(np.diff(profile[:20])) in (10, 11, 12)
