# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.training_history import (
    kept_picture,
    kept_pictures,
    loss_terms,
    read_history,
    write_history,
)

ROWS = [
    {"step": 0.0, "seconds": 1.0, "score": 0.25, "iou": 0.25},
    {"step": 10.0, "seconds": 60.0, "mask": 0.75, "gradient": 2.0, "score": 0.5, "iou": 0.1},
]


def test_rows_come_back_as_they_were(tmp_path):
    model = tmp_path / "my.model.safetensors"
    assert read_history(model) == []
    write_history(model, ROWS)
    assert (tmp_path / "my.model.history.csv").exists()
    assert read_history(model) == ROWS
    assert loss_terms(ROWS) == ["mask"]
    assert loss_terms([]) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step,seconds,score\n0,1,best\n", "expected numbers"),
        ("step,seconds,score\n0,1,\n", "expected numbers"),
        ("step,seconds,threshold\n0,1,0.5\n", "^expected the column score"),
    ],
)
def test_a_table_of_something_else(tmp_path, text, message):
    (tmp_path / "a.history.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_history(tmp_path / "a.safetensors")


def test_pictures_are_in_the_order_of_their_steps(tmp_path):
    model = tmp_path / "model.safetensors"
    assert kept_pictures(model) == {}
    for step in (1000, 20, 3):
        file = kept_picture(model, step)
        file.parent.mkdir(exist_ok=True)
        file.touch()
    (file.parent / "notes.webp").touch()
    assert list(kept_pictures(model)) == [3, 20, 1000]
