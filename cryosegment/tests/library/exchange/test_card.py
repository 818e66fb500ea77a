# SPDX-License-Identifier: GPL-3.0-or-later
import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file

from cryosegment.exchange.card import ModelCard, card_from_json, read_card
from cryosegment.exchange.errors import InputError, ModelError

CARD = ModelCard(
    name="test",
    architecture="compact",
    architecture_args={"width": 8},
    pixels_per_diameter=20.0,
    classes=("particle", "center"),
    metrics=({"data": "simulated", "f1": 0.9},),
    particle_diameters=(80.0, 350.0),
    citation="Å",
)


def test_a_card_in_a_file_written_by_safetensors(tmp_path):
    path = tmp_path / "m.safetensors"
    save_file({"w": np.zeros(3)}, path, metadata={"model_card": CARD.to_json()})
    assert read_card(path) == CARD


def test_a_card_comes_back_from_its_text():
    assert card_from_json(CARD.to_json(indent=2)) == CARD


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 7}, "expected model card format 1, got 7"),
        ({"colour": "red"}, r"\(format 1\) of the model has an unknown field colour"),
        ({"classes": "particle"}, "classes .* wrong type"),
        ({"threshold": "0.5"}, "threshold .* wrong type"),
        ({"crf": []}, "crf .* wrong type"),
        ({"tile_size": True}, "tile_size .* wrong type"),
        ({"threshold": float("nan")}, "expected threshold from 0 to 1 in the model card"),
        ({"threshold": 5.0}, "expected threshold from 0 to 1"),
        ({"pixels_per_diameter": 0}, "expected pixels per diameter from 1 to 1000"),
        ({"pixels_per_diameter": float("inf")}, "expected pixels per diameter"),
        ({"tile_size": -1}, "expected tile size"),
        ({"halo": 10**9}, "expected halo"),
    ],
)
def test_a_card_that_disagrees(change, message):
    text = json.dumps({**json.loads(CARD.to_json()), **change})
    with pytest.raises(ModelError, match=message):
        card_from_json(text)


def test_a_card_from_before_there_were_front_ends():
    values = json.loads(CARD.to_json())
    del values["front_end"]
    assert card_from_json(json.dumps(values)) == CARD


def test_a_missing_field_and_a_text_that_is_no_card():
    values = json.loads(CARD.to_json())
    del values["classes"]
    with pytest.raises(ModelError, match="lacks field classes"):
        card_from_json(json.dumps(values))
    with pytest.raises(ModelError, match="not JSON"):
        card_from_json("{")
    with pytest.raises(ModelError, match="not a JSON object"):
        card_from_json("[]")


def test_a_model_of_another_program_has_no_card(tmp_path):
    save_file({"w": np.zeros(3)}, tmp_path / "m.safetensors")
    with pytest.raises(ModelError, match="no model card"):
        read_card(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a torch pickle",
        struct.pack("<Q", 100) + b"{}",
        struct.pack("<Q", 2) + b"[]",
    ],
)
def test_a_file_that_is_no_model(tmp_path, content):
    (tmp_path / "m.pt").write_bytes(content)
    with pytest.raises(ModelError, match=r"expected a model as \.safetensors"):
        read_card(tmp_path / "m.pt")


def test_a_missing_model(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_card(tmp_path / "m.safetensors")
    with pytest.raises(InputError, match="is a folder"):
        read_card(tmp_path)


@pytest.mark.parametrize("ending", [".state.safetensors", ".state.best.safetensors"])
def test_the_state_of_a_training_is_no_model(tmp_path, ending):
    path = tmp_path / f"mine{ending}"
    save_file({"w": np.zeros(3)}, path)
    message = r"is the state of a training.*: give mine\.safetensors beside it"
    with pytest.raises(ModelError, match=message):
        read_card(path)
