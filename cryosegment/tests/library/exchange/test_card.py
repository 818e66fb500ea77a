# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses
import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file

from cryosegment.exchange.card import (
    ModelCard,
    Provenance,
    TrainedNetwork,
    Use,
    card_from_json,
    read_card,
)
from cryosegment.exchange.errors import InputError, ModelError
from cryosegment.exchange.params import (
    CalibrationParams,
    CrfParams,
    FrontEndParams,
    InputParams,
    SelectionParams,
)

CARD = ModelCard(
    "test",
    TrainedNetwork("compact", {"width": 8}, ("particle", "center"), tile_size=512, halo=32),
    InputParams(15.0, "bright", FrontEndParams("low-pass", 12.0), noise=None, clip=4.0),
    Use(0.3, CalibrationParams(a=2.0), SelectionParams("contour"), CrfParams(iterations=7)),
    Provenance(
        metrics=({"data": "simulated", "f1": 0.9},),
        particle_diameters=(80.0, 350.0),
        citation="Å",
    ),
    checksum=((0.5, -1.25), (3.0, 4.0)),
)


def test_a_card_in_a_file_written_by_safetensors(tmp_path):
    path = tmp_path / "m.safetensors"
    save_file({"w": np.zeros(3)}, path, metadata={"model_card": CARD.to_json()})
    assert read_card(path) == CARD


def test_a_card_comes_back_from_its_text():
    assert card_from_json(CARD.to_json(indent=2)) == CARD


def test_the_task_is_picking_where_a_card_says_none():
    values = json.loads(CARD.to_json())
    assert values.pop("task") == "picking"
    assert card_from_json(json.dumps(values)) == CARD
    other = dataclasses.replace(CARD, task="screening")
    assert card_from_json(other.to_json()) == other
    CARD.check_task("picking")
    with pytest.raises(ModelError, match="model for picking, found test, which is for screening"):
        other.check_task("picking")


def test_a_card_holds_the_values_of_its_crf_not_the_name_of_a_preset():
    use = json.loads(CARD.to_json())["use"]
    assert use["crf"]["iterations"] == 7
    assert set(use["crf"]) == {field.name for field in dataclasses.fields(CrfParams)}


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("", {"format_version": 7}, "expected model card format 1 or 2, got 7"),
        ("", {"colour": "red"}, r"\(format 2\) .*colour is unknown"),
        ("network", {"heads": "particle"}, "in network: expected a list of values of heads"),
        ("network", {"tile_size": True}, "in network: expected tile_size to be of type int"),
        ("network", {"tile_size": -1}, "in network: expected tile size to be at least 16"),
        ("network", {"halo": 10**9}, "in network: expected halo to be at least 0 and at most 8192"),
        ("use", {"threshold": "0.5"}, "in use: expected threshold to be of type float"),
        ("use", {"threshold": float("nan")}, "in use: expected threshold .* got nan"),
        ("use", {"threshold": 5.0}, "in use: expected threshold to be at least 0 and at most 1"),
        ("use", {"crf": []}, "in use: in crf: expected values by name"),
        ("use", {"crf": {"solver": "magic"}}, "in use: in crf: expected solver to be one of"),
        ("use", {"selection": {"centers": "magic"}}, "in use: in selection: expected centers"),
        ("use", {"calibration": {"spline": [1]}}, "in use: in calibration: spline is unknown"),
        ("input", {"pixels_per_diameter": 0}, "in input: expected pixels per diameter"),
        ("input", {"pixels_per_diameter": float("inf")}, "in input: expected pixels per diameter"),
        ("input", {"contrast": "grey"}, "in input: expected contrast to be one of dark, bright"),
        ("input", {"front_end": {"name": "magic"}}, "in input: in front end: expected name"),
        ("input", {"noise": {"quantile": 2}}, "in input: in noise: expected quantile"),
    ],
)
def test_a_card_that_disagrees(part, change, message):
    values = json.loads(CARD.to_json())
    (values[part] if part else values).update(change)
    with pytest.raises(ModelError, match=message):
        card_from_json(json.dumps(values))


def test_a_missing_field_and_a_text_that_is_no_card():
    values = json.loads(CARD.to_json())
    del values["network"]["heads"]
    with pytest.raises(ModelError, match="in network: heads is missing"):
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
