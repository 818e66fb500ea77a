# SPDX-License-Identifier: GPL-3.0-or-later
import argparse
import dataclasses

import pytest

from cryosegment.cli.arguments import add_options, params_from_namespace
from cryosegment.cli.commands import COMMANDS
from cryosegment.exchange.params import PickParams, SimulateParams, TrainParams


def parse(cls, arguments):
    parser = argparse.ArgumentParser()
    add_options(parser, cls)
    return params_from_namespace(cls, parser.parse_args(arguments))


def test_options_left_out_take_the_defaults_of_the_class():
    assert parse(PickParams, ["--diameter", "150"]) == PickParams(diameter=150.0)
    assert parse(TrainParams, []) == TrainParams()


def test_every_kind_of_option():
    picked = parse(
        PickParams,
        [
            "--diameter",
            "150",
            "--pixel-size",
            "1.5",
            "--masks",
            "--formats",
            "box,csv",
            "--crf",
            "none",
            "--seed",
            "3",
        ],
    )
    assert picked == PickParams(
        diameter=150.0, pixel_size=1.5, masks=True, formats=("box", "csv"), crf="none", seed=3
    )
    assert parse(SimulateParams, ["--size", "64", "128"]).size == (64, 128)
    assert parse(TrainParams, ["--from", "general"]).start == "general"


def test_paths_become_absolute_and_names_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.safetensors").touch()
    made = parse(PickParams, ["--diameter", "9", "--model", "m.safetensors"])
    assert made.model == str(tmp_path / "m.safetensors")
    assert parse(PickParams, ["--diameter", "9", "--model", "general"]).model == "general"


def test_several_files_are_named_one_by_one_and_numbers_by_commas(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,b.pdb").touch()
    arguments = ["--molecule", "a,b.pdb", "--molecule", "builtin", "--ratios", "1,2.5"]
    made = parse(SimulateParams, arguments)
    assert made.molecule == (str(tmp_path / "a,b.pdb"), "builtin")
    assert made.ratios == (1.0, 2.5)
    assert parse(SimulateParams, ["--molecule", "builtin"]) == SimulateParams()
    with pytest.raises(SystemExit):
        parse(SimulateParams, ["--ratios", "1,many"])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_parameter_has_an_option_that_shows_its_default_and_unit(command):
    parser = argparse.ArgumentParser()
    add_options(parser, command.params)
    text = " ".join(parser.format_help().split())
    for field in dataclasses.fields(command.params):
        assert "--" + field.metadata.get("flag", field.name).replace("_", "-") in text
        assert field.metadata["unit"] in text


def test_help_says_what_training_takes_where_nothing_is_given():
    parser = argparse.ArgumentParser()
    add_options(parser, TrainParams)
    text = " ".join(parser.format_help().split())
    assert "if neither minutes nor epochs are given, 10 [min]" in text
    assert "0: 0.002 from scratch, 0.0005 from a model" in text
    assert "0: that of the model, or 20 from scratch" in text


def test_a_built_in_name_wins_over_a_folder_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "general").mkdir()
    namespace = argparse.Namespace(diameter=100.0, model="general")
    assert params_from_namespace(PickParams, namespace).model == "general"
    namespace = argparse.Namespace(diameter=100.0, model="mine.safetensors")
    expected = str(tmp_path / "mine.safetensors")
    assert params_from_namespace(PickParams, namespace).model == expected
