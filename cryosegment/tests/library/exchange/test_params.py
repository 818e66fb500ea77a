# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest

from cryosegment.exchange import params
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import (
    CRF_PRESETS,
    CrfParams,
    EvaluateParams,
    PickParams,
    SelectionParams,
    SimulateParams,
    TrainParams,
    TrainParticlesParams,
    option_name,
)
from cryosegment.exchange.records import record_from_dict, record_to_dict
from cryosegment.exchange.training_settings import network_arguments

CLASSES = [
    value
    for value in vars(params).values()
    if isinstance(value, type) and issubclass(value, params.Params) and value is not params.Params
]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_parameter_has_a_help_and_a_default_within_its_bounds(cls):
    required = {"diameter": 100.0, "pixel_size": 1.0}
    values = {}
    for field in dataclasses.fields(cls):
        assert field.metadata["help"]
        if field.default is dataclasses.MISSING:
            values[field.name] = required.get(field.name, "somewhere")
    cls(**values)


def test_there_are_presets_of_the_crf():
    assert {"gaussian", "intensity", "logits"} <= set(CRF_PRESETS)
    assert all(isinstance(preset, CrfParams) for preset in CRF_PRESETS.values())


def test_no_bound_is_above_the_smallest_diameter():
    assert PickParams(diameter=9.0, min_diameter="300", max_diameter="0").max_diameter == "0"
    assert PickParams(diameter=9.0, min_diameter="300").max_diameter == "auto"


def test_options_are_named_as_they_are_given():
    assert option_name(TrainParams, "start") == "--from"
    assert option_name(TrainParams, "labels_are") == "--labels-are"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PickParams(diameter=0.0), "diameter to be at least 1 and at most 100000 Å, got 0"),
        (lambda: PickParams(diameter=float("nan")), "diameter .* got nan"),
        (lambda: PickParams(diameter=10**400), "diameter to be a finite number, got a huge one"),
        (lambda: record_from_dict(PickParams, {"diameter": -(10**400)}), "a finite number"),
        (lambda: TrainParams(seed=10**400), "seed to be a finite number"),
        (lambda: PickParams(diameter=9.0, crf="wrong"), "crf to be one of auto, none, gaussian"),
        (lambda: PickParams(diameter=9.0, threshold="x"), "threshold to be auto or a number"),
        (lambda: PickParams(diameter=9.0, threshold="1.5"), "at most 1, got 1.5"),
        (lambda: PickParams(diameter=9.0, formats=("box", "doc")), "formats to be one of"),
        (lambda: PickParams(diameter=9.0, pixel_size=0.0), "pixel size .* Å/px, got 0"),
        (lambda: TrainParams(minutes=1.0, epochs=1), "minutes or epochs"),
        (lambda: TrainParams(network="resnet18"), "network to be one of compact, unet, "),
        (lambda: TrainParams(network="fcn", encoder="vgg16"), "encoder to be one of auto, "),
        (lambda: TrainParams(encoder="resnet18"), "compact takes no encoder, got resnet18"),
        (lambda: TrainParams(network="unet", branches=2), "unet has no branches, got 2"),
        (lambda: TrainParams(network="multi-atrous", branches=6), "branches .* at most 5, got 6"),
        (lambda: TrainParams(start="general", network="unet"), "got network unet and model"),
        (
            lambda: TrainParams(expected_particles=9.0),
            "expected number of particles was given, but labels are complete",
        ),
        (
            lambda: TrainParams(partial_loss="ge-binomial"),
            "for partial labels was given, but labels are complete",
        ),
        (lambda: TrainParams(low_pass=30.0), "low-pass needs the front end low-pass, got auto"),
        (lambda: TrainParams(front_end="median", low_pass=30.0), "got median"),
        (lambda: TrainParams(labels_are="partial"), "a model to start from"),
        (
            lambda: TrainParams(start="general", labels_are="partial", loss="bce"),
            "bce is for complete labels",
        ),
        (
            lambda: SimulateParams(size=(32, 128)),
            "size to be at least 64 and at most 16384 px, got 32",
        ),
        (lambda: SimulateParams(defocus_min=2e4, defocus_max=1e4), "smallest defocus"),
        (lambda: SimulateParams(ratios=(1.0, 2.0)), "a ratio for each of 1 molecules, got 2"),
        (lambda: SimulateParams(ratios=(0.0,)), "ratios to be at least 1e-06"),
        (lambda: SimulateParams(molecule=()), "a tuple of molecules"),
        (lambda: SimulateParams(molecule="builtin"), "a tuple of molecules"),
        (lambda: SimulateParams(snr=1.0, snr_db=3.0), "snr or snr_db, got both"),
        (lambda: TrainParams(front_end="ctf-flip"), "needs CTFs, got none: give them"),
        (
            lambda: EvaluateParams("p", "r", 9.0, 1.0, y_up=True),
            "y axis that points up needs .* --height",
        ),
        (
            lambda: PickParams(diameter=9.0, min_diameter="300", max_diameter="100"),
            "smallest diameter of a mask .* the largest, got 300 and 100 Å",
        ),
    ],
)
def test_values_out_of_bounds(make, message):
    with pytest.raises(ParameterError, match=message):
        make()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"network": "unet"}, {"encoder": "resnet18"}),
        ({"network": "unet++", "encoder": "densenet169"}, {"encoder": "densenet169"}),
        ({"network": "attention-unet"}, {}),
        ({"network": "multi-atrous", "branches": 2}, {"branches": 2}),
    ],
)
def test_what_builds_a_network(given, expected):
    found = network_arguments(TrainParams(**given))
    assert found == {**expected, "normalization": "batch"}


def test_parameters_survive_json_values():
    made = PickParams(diameter=150.0, pixel_size=1.5, formats=("box",), masks=True)
    values = record_to_dict(made)
    assert values["formats"] == ["box"]
    assert record_from_dict(PickParams, values) == made
    assert record_from_dict(PickParams, {"diameter": 150}).diameter == 150.0
    assert record_from_dict(SimulateParams, {"size": [64, 128]}).size == (64, 128)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "diameter is missing"),
        ({"diameter": 1.0, "sigma": 2}, "sigma is unknown"),
        ({"diameter": "10"}, "diameter to be of type float, got '10'"),
        ({"diameter": True}, "type float"),
        ({"diameter": None}, "type float"),
        ({"diameter": 9, "masks": 1}, "type bool"),
        ({"diameter": 9, "seed": 1.5}, "type int"),
        ({"diameter": 9, "formats": "box"}, "formats"),
    ],
)
def test_json_values_of_the_wrong_kind(values, message):
    with pytest.raises(ParameterError, match=message):
        record_from_dict(PickParams, values)


@pytest.mark.parametrize("name", ["threshold", "min_distance", "min_diameter", "max_diameter"])
@pytest.mark.parametrize("text", ["-1", "nan", "many"])
def test_numbers_that_may_be_auto_are_checked(name, text):
    with pytest.raises(ParameterError, match="expected " + name.replace("_", " ") + " to be"):
        PickParams(diameter=100.0, **{name: text})


def test_sizes_within_bounds():
    sizes = np.array([0.3, 0.5, 0.9, 1.5, np.nan])
    for smallest, largest, expected in (
        (0.0, 0.0, [True, True, True, True, True]),
        (0.5, 0.0, [False, True, True, True, False]),
        (0.0, 0.9, [True, True, True, False, True]),
        (0.4, 1.0, [False, True, True, False, False]),
    ):
        selection = SelectionParams(smallest=smallest, largest=largest)
        assert selection.has_size(sizes).tolist() == expected


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"minutes": 1.0, "epochs": 2}, "minutes or epochs, got both"),
        ({"start": "particles", "network": "unet"}, "leave one of them out"),
        ({"encoder": "resnet50"}, "compact takes no encoder"),
        ({"contrast": "grey"}, "bright, dark"),
    ],
)
def test_trainings_of_particle_models_that_cannot_be(changes, text):
    with pytest.raises(ParameterError, match=text):
        TrainParticlesParams(**changes)
