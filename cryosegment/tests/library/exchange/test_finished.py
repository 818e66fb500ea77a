# SPDX-License-Identifier: GPL-3.0-or-later
import os
from dataclasses import replace

import pytest

from cryosegment.exchange.finished import Finished, fingerprint, paths_of
from cryosegment.exchange.params import (
    CrfMapsParams,
    LabelsCoordinatesParams,
    LabelsReconstructionParams,
    PickParams,
    SimulateParams,
    TrainParams,
    free_to_change,
)

PARAMS = PickParams(diameter=100.0)


def finish(folder, params, *names, resume=False):
    finished = Finished(folder, params, resume)
    for name in names:
        with finished.making(name):
            pass
    return finished


def test_what_is_finished_is_found_again_by_the_same_job(tmp_path):
    names = ["a", "b,c", 'd"', "e f"]
    finish(tmp_path, PARAMS, *names)
    again = Finished(tmp_path, PARAMS, True)
    assert all(again.has(name) for name in names)
    assert not again.has("z")
    assert not any(Finished(tmp_path, PARAMS, False).has(name) for name in names)


def test_what_fails_is_not_finished(tmp_path):
    finished = Finished(tmp_path, PARAMS, False)
    with pytest.raises(ZeroDivisionError), finished.making("a"):
        raise ZeroDivisionError
    assert not finished.has("a")
    assert not Finished(tmp_path, PARAMS, True).has("a")


def test_an_earlier_run_is_forgotten_before_the_first_result_and_not_sooner(tmp_path):
    finish(tmp_path, PARAMS, "a")
    later = Finished(tmp_path, PARAMS, False)
    assert Finished(tmp_path, PARAMS, True).has("a")
    with later.making("b"):
        assert not Finished(tmp_path, PARAMS, True).has("a")


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"diameter": 101.0}, False),
        ({"threshold": "0.5"}, False),
        ({"masks": True}, False),
        ({"gpu": "cpu"}, True),
        ({"resume": True}, True),
    ],
)
def test_other_parameters_are_another_job(tmp_path, change, is_same):
    finish(tmp_path, PARAMS, "a")
    assert Finished(tmp_path, replace(PARAMS, **change), True).has("a") == is_same


def test_other_files_are_another_job(tmp_path):
    (tmp_path / "model").write_text("1")
    params = replace(PARAMS, model=str(tmp_path / "model"))
    source = tmp_path / "a.mrc"
    source.write_text("1")
    finished = Finished(tmp_path, params, False)
    with finished.making("a", source):
        pass
    assert Finished(tmp_path, params, True).has("a", source)
    os.utime(source, (1, 1))
    assert not Finished(tmp_path, params, True).has("a", source)
    with Finished(tmp_path, params, True).making("a", source):
        pass
    assert Finished(tmp_path, params, True).has("a", source)
    source.unlink()
    assert Finished(tmp_path, params, True).has("a", source)
    (tmp_path / "model").write_text("12")
    assert not Finished(tmp_path, params, True).has("a", source)


def test_a_folder_that_a_parameter_names(tmp_path):
    folder = tmp_path / "coordinates"
    params = LabelsCoordinatesParams(coordinates=str(folder), diameter=100.0)
    folder.mkdir()
    empty = fingerprint(params)
    (folder / "a.star").touch()
    assert fingerprint(params) != empty


def test_a_line_that_a_crash_has_cut_short(tmp_path):
    finish(tmp_path, PARAMS, "a", "b")
    path = tmp_path / "finished.csv"
    path.write_text(path.read_text()[:-5])
    resumed = finish(tmp_path, PARAMS, "c", resume=True)
    assert (resumed.has("a"), resumed.has("b"), resumed.has("c")) == (True, False, True)
    again = Finished(tmp_path, PARAMS, True)
    assert (again.has("a"), again.has("b"), again.has("c")) == (True, False, True)


def test_parameters_that_name_files():
    values = {"model": "general", "ctf": "x.star", "diameter": 3.0}
    model, ctf = paths_of(PickParams, values)
    assert model.name == "general.safetensors"
    assert ctf.name == "x.star"
    assert paths_of(TrainParams, {"start": ""}) == []


def test_a_run_may_change_only_what_results_do_not_depend_on():
    anywhere = {"resume", "gpu", "threads"}
    freely = {*anywhere, "decoys", "shard", "size_classes", "workers"}
    assert free_to_change(PickParams) == freely
    assert free_to_change(SimulateParams) == {*anywhere, "count"}
    prolonged = {"minutes", "epochs", "learning_rate", "patience"}
    assert free_to_change(TrainParams) == {*anywhere, *prolonged}
    for params in (CrfMapsParams, LabelsReconstructionParams):
        assert free_to_change(params) == anywhere
