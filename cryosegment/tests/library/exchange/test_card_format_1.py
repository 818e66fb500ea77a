# SPDX-License-Identifier: GPL-3.0-or-later
"""Cards of format 1, as earlier versions wrote them: these texts do not change any more."""

import dataclasses
import json

import pytest

from cryosegment.exchange.card import ModelCard, Provenance, TrainedNetwork, Use, card_from_json
from cryosegment.exchange.card_format_1 import to_format_2
from cryosegment.exchange.errors import ModelError
from cryosegment.exchange.params import (
    CalibrationParams,
    CrfParams,
    FrontEndParams,
    InputParams,
    NoiseParams,
    SelectionParams,
)

FIRST = """{"name": "general", "architecture": "compact",
"architecture_args": {"widths": [32, 64, 128, 256], "deep_blocks": 3}, "pixels_per_diameter": 20.0,
"classes": ["particle", "center", "offset_y", "offset_x", "edge", "contamination"],
"contrast": "dark",
"normalization": "local mean removed, mean 0 and standard deviation 1, clipped at 4",
"threshold": 0.188, "crf": {"preset": "combined"}, "tile_size": 2048, "halo": 64,
"particle_diameters": [47.4, 625.9], "training_data": [{"id": "simulated scenes", "molecules": 31}],
"label_source": "simulation", "training": {"steps": 7112, "scenes": {"scale": [0.75, 1.33]}},
"metrics": [{"metric": "F1 at 0.25 diameter", "value": 0.7899}], "parent": "",
"software": {"cryosegment": "0.1.0"}, "date": "2026-11-21", "license": "GPL-3.0-or-later",
"citation": "", "format_version": 1}"""
"""Before there were front ends, recommended ways of picking, and calibrations."""

LAST = """{"name": "mine", "architecture": "unet",
"architecture_args": {"encoder": "resnet18", "normalization": "batch"}, "pixels_per_diameter": 24.0,
"classes": ["particle"], "contrast": "dark", "front_end": {"name": "low-pass", "resolution": 15.0},
"normalization": "local mean removed, noise of standard deviation 1, large values compressed",
"threshold": 0.4, "calibration": {"centers": "contour", "a": 1.5, "b": 0.5, "c": -0.7},
"picking": {"centers": "contour", "scale": 0.3, "min_distance": 0.7, "smallest": 0.4,
"largest": 0.0}, "crf": {"solver": "l2", "engine": "grid", "iterations": 9, "tolerance": 0.0,
"regularization": 1.0, "temperature": 1.3, "gaussian_weight": 2.5, "gaussian_sigma": 3.0,
"appearance": ["logits:1:10:2"], "intensity_sigma": 2.0}, "tile_size": 1024, "halo": 160,
"particle_diameters": [60.0, 60.0], "training_data": [{"micrographs": 4}],
"label_source": "coordinates", "training": {"seed": 0, "phases": [{"step": 0}]}, "metrics": [],
"parent": "ab", "software": {}, "date": "2026-11-28", "license": "CC0-1.0", "citation": "x",
"format_version": 1}"""


def test_the_first_cards():
    heads = ("particle", "center", "offset_y", "offset_x", "edge", "contamination")
    arguments = {"normalization": "group", "widths": [32, 64, 128, 256], "deep_blocks": 3}
    crf = CrfParams(gaussian_weight=3.0, appearance=("logits:3:10:2", "intensity:1.5:10:0.5"))
    assert card_from_json(FIRST) == ModelCard(
        "general",
        TrainedNetwork("compact", arguments, heads, tile_size=2048, halo=64),
        InputParams(20.0, noise=None, clip=4.0),
        Use(0.188, crf=crf),
        Provenance(
            "simulation",
            (47.4, 625.9),
            ({"id": "simulated scenes", "molecules": 31},),
            {"steps": 7112, "scenes": {"scale": [0.75, 1.33]}},
            ({"metric": "F1 at 0.25 diameter", "value": 0.7899},),
            software={"cryosegment": "0.1.0"},
            date="2026-11-21",
            license="GPL-3.0-or-later",
        ),
    )


def test_the_last_cards():
    found = card_from_json(LAST)
    arguments = {"normalization": "batch", "encoder": "resnet18"}
    assert found.network == TrainedNetwork(
        "unet", arguments, ("particle",), tile_size=1024, halo=160
    )
    front_end = FrontEndParams("low-pass", 15.0)
    assert found.input == InputParams(
        24.0, "dark", front_end, 1.0, NoiseParams(0.15, 0.8, 3, 0.3, 0.1), 3.0
    )
    assert found.use == Use(
        0.4,
        CalibrationParams("contour", 1.5, 0.5, -0.7),
        SelectionParams("contour", 0.3, 0.7, 0.4),
        CrfParams("l2", "grid", 9, 0.0, 1.0, 1.3, 2.5, 3.0, ("logits:1:10:2",), 2.0),
    )
    assert found.provenance.training == {"seed": 0, "phases": [{"step": 0}]}
    assert (found.provenance.parent, found.checksum) == ("ab", ())


@pytest.mark.parametrize("text", [FIRST, LAST])
def test_they_are_written_in_format_2(text):
    found = card_from_json(text)
    assert json.loads(found.to_json())["format_version"] == 2
    assert card_from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("crf", "expected"),
    [
        ({}, None),
        ({"preset": "none"}, None),
        ({"preset": "none", "temperature": 1.2}, None),
        ({"preset": "gaussian"}, CrfParams()),
        ({"preset": "intensity"}, CrfParams(appearance=("intensity:0.5:10:0.5",))),
        ({"preset": "denoised"}, CrfParams(appearance=("denoised:0.5:10:0.5",))),
        ({"preset": "logits"}, CrfParams(appearance=("logits:1:10:2",))),
        ({"preset": "network"}, CrfParams(appearance=("network:1:10:0.5",))),
        ({"iterations": 3}, CrfParams(iterations=3)),
    ],
)
def test_their_crf(crf, expected):
    assert card_from_json(json.dumps({**json.loads(FIRST), "crf": crf})).use.crf == expected


def test_what_was_left_out_is_what_it_was_then():
    """It stands in the card, so that a default of today has no part in it."""
    values = {**json.loads(FIRST), "picking": {"scale": 0.2}, "front_end": {}, "calibration": {}}
    found = to_format_2(values)
    assert found["use"]["selection"] == {
        "centers": "heatmap",
        "scale": 0.2,
        "min_distance": 0.5,
        "smallest": 0.0,
        "largest": 0.0,
    }
    assert found["use"]["calibration"] is None
    assert found["input"]["front_end"] == {"name": "none", "resolution": 0.0}
    for part, record in (("input", InputParams), ("network", TrainedNetwork), ("use", Use)):
        assert set(found[part]) == {field.name for field in dataclasses.fields(record)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, r"\(format 1\) .*colour is unknown"),
        ({"normalization": "by eye"}, "expected one of the normalisations local mean.*got by eye"),
        ({"normalization": None}, "expected one of the normalisations"),
        ({"classes": "particle"}, "in network: expected a list of values of heads"),
        ({"architecture_args": 3}, "in network: expected arguments to be values by name, got 3"),
        ({"front_end": "median"}, "in input: in front end: expected values by name"),
        ({"crf": {"preset": "magic"}}, "in use: in crf: preset is unknown"),
        ({"crf": "logits"}, "in use: in crf: expected values by name"),
        ({"picking": {"centers": "magic"}}, "in use: in selection: expected centers"),
        ({"threshold": 5.0}, "in use: expected threshold"),
        ({"halo": -1}, "in network: expected halo"),
    ],
)
def test_what_never_was(change, message):
    with pytest.raises(ModelError, match=message):
        card_from_json(json.dumps({**json.loads(FIRST), **change}))


def test_a_field_that_is_missing():
    values = json.loads(FIRST)
    del values["architecture"]
    with pytest.raises(ModelError, match="in network: architecture is missing"):
        card_from_json(json.dumps(values))
