# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.core.tuning.trials import Trial, Tuning, cross_validate


def test_results_add_up() -> None:
    trial = Trial("settings", [1, 10, 100])
    assert trial.total() == 111
    assert trial.total([2, 0]) == 101


@pytest.mark.parametrize(("images", "folds"), [(7, 3), (4, 2), (3, 9)])
def test_nothing_is_chosen_on_the_images_it_is_judged_on(images: int, folds: int) -> None:
    parts = cross_validate(images, folds, tuple)
    assert len(parts) == min(images, folds)
    for chosen_on, held in parts:
        assert sorted([*chosen_on, *held]) == list(range(images))
    assert sorted(index for _, held in parts for index in held) == list(range(images))


@pytest.mark.parametrize(("gain", "choice"), [(0.01, "best"), (0.0, "before"), (-0.1, "before")])
def test_what_gains_nothing_is_not_chosen(gain: float, choice: str) -> None:
    assert Tuning([], "before", "best", gain).choice == choice
