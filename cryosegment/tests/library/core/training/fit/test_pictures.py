# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import cv2
import numpy as np
import pytest

from cryosegment.core.training.fit.pictures import MOST, keep_picture, too_many
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.training_history import kept_pictures


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def draw(model: Path, level: int) -> None:
    picture = np.full((80, 120, 3), level, np.uint8)
    cv2.imwrite(str(model.with_suffix(".examples.png")), picture)


def test_a_training_without_pictures_keeps_none(model: Path) -> None:
    keep_picture(model, [0])
    assert list(model.parent.iterdir()) == []


def test_each_picture_is_kept_smaller(model: Path) -> None:
    for step, level in ((0, 40), (5, 200)):
        draw(model, level)
        keep_picture(model, list(range(0, step + 1, 5)))
    found = {step: cv2.imread(str(file)) for step, file in kept_pictures(model).items()}
    assert {step: image.shape for step, image in found.items()} == {
        0: (40, 60, 3),
        5: (40, 60, 3),
    }
    assert abs(float(found[0].mean()) - 40) < 3
    assert abs(float(found[5].mean()) - 200) < 3


def test_pictures_of_an_earlier_training_go(model: Path) -> None:
    draw(model, 0)
    for last in (0, 4, 8):
        keep_picture(model, list(range(0, last + 1, 4)))
    keep_picture(model, [0])
    assert list(kept_pictures(model)) == [0]


def test_of_many_pictures_some_are_kept_evenly(model: Path) -> None:
    draw(model, 0)
    steps: list[int] = []
    for step in range(0, 400, 10):
        steps.append(step)
        keep_picture(model, steps)
    kept = list(kept_pictures(model))
    assert len(kept) == MOST
    assert kept[0] == 0
    assert kept[-1] == 390
    assert max(np.diff(kept)) <= 4 * 390 / (MOST - 1)


def test_nothing_is_left_out_where_there_are_few() -> None:
    assert too_many([0, 1, 2], 3) == []
    assert too_many([0, 1, 2, 10], 3) == [1]


def test_a_damaged_picture(model: Path) -> None:
    model.with_suffix(".examples.png").write_text("no picture")
    with pytest.raises(InputError, match="cannot read"):
        keep_picture(model, [0])
