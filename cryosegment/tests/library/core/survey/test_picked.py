# SPDX-License-Identifier: GPL-3.0-or-later
import os

import numpy as np
import pytest

from cryosegment.core.survey.picked import known_scale, read_sets
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.csv_rows import write_rows
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import PickParams, ReportParams
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, PickFolder
from cryosegment.exchange.pick_summary import MicrographSummary, append_summary
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.shards import Shard

CENTERS = [[10.0, 20.0], [30.0, 40.0]]


def picks(name, pixel_size=1.5):
    return Coordinates(CENTERS, pixel_size, name, [0.9, 0.4])


@pytest.fixture
def run(tmp_path):
    """A picking run that has done b and then a, of three micrographs."""
    folder = tmp_path / "run"
    results = PickFolder(folder)
    for second, name in enumerate(["b", "a"]):
        append_summary(folder, MicrographSummary(name, 1.5, (90, 80), 2, 2.0, 0.6, 0.0))
        for kind in (CANDIDATES, COORDINATES):
            write_coordinates(results.file(kind, name), picks(name))
        os.utime(results.file(CANDIDATES, name), (0, 100 + second))
    params = record_to_dict(PickParams(diameter=160.0, ctf="ctf.star"))
    files = tuple(f"{name}.mrc" for name in "bac")
    Job("pick", params, files, str(folder), tuple("bac")).write(results.job)
    return folder


def test_a_picking_run_says_what_is_not_given(run, tmp_path):
    found = known_scale([tmp_path / "other.star", run], ReportParams())
    assert (found.diameter, found.pixel_size, found.ctf) == (160.0, 1.5, "ctf.star")
    assert [f"{name} {file}" for name, file in found.micrographs.items()] == [
        f"{name} {name}.mrc" for name in "bac"
    ]
    given = ReportParams(diameter=100.0, pixel_size=2.0, ctf="mine.star")
    found = known_scale([run], given)
    assert (found.diameter, found.pixel_size, found.ctf) == (100.0, 2.0, "mine.star")


def test_others_must_be_given_both_lengths(tmp_path):
    with pytest.raises(ParameterError, match="--diameter"):
        known_scale([tmp_path], ReportParams(pixel_size=1.0))
    with pytest.raises(ParameterError, match="--pixel-size"):
        known_scale([tmp_path], ReportParams(diameter=100.0))


def test_what_a_run_has_done_so_far(run):
    write_rows(
        PickFolder(run).false_discovery,
        ("threshold", "picks", "decoys", "rate"),
        [("0.00", 4, 2, "0.5"), ("0.50", 2, 0, "0.0")],
    )
    (found,) = read_sets([run], ["ours"], 9.9)
    assert set(found.picks) == {"a", "b"}
    np.testing.assert_allclose(found.picks["a"].centers_yx, CENTERS)
    assert found.picks["a"].pixel_size == 1.5
    assert found.times == {"b": 100.0, "a": 101.0}
    assert found.summaries["a"].shape == (90, 80)
    thresholds, rates = found.false_discoveries
    assert thresholds.tolist() == [0, 0.5]
    assert rates.tolist() == [0.5, 0]


def test_what_workers_have_done_so_far(run):
    part = PickFolder(Shard(2, 1).folder(run))
    append_summary(part.path, MicrographSummary("c", 3.0, (90, 80), 2, 2.0, 0.6, 0.0))
    write_coordinates(part.file(COORDINATES, "c"), picks("c"))
    (found,) = read_sets([run], ["ours"], 1.0)
    assert {name: each.pixel_size for name, each in found.picks.items()} == {
        **{"a": 1.5, "b": 1.5},
        "c": 3.0,
    }
    assert set(found.summaries) == {"a", "b", "c"}


def test_a_shard_alone_says_what_its_run_is(run, tmp_path):
    part = PickFolder(Shard(2, 2).folder(tmp_path / "array"))
    part.path.parent.mkdir(parents=True)
    run.rename(part.path)
    assert known_scale([tmp_path / "array"], ReportParams()).diameter == 160.0


def test_a_damaged_file_of_a_run_is_named(run):
    PickFolder(run).file(COORDINATES, "a").write_text("data_\n")
    (found,) = read_sets([run], ["ours"], 1.0)
    assert set(found.picks) == {"b"}
    assert set(found.failures) == {"a"}


def test_picks_of_others_have_the_given_pixel_size(tmp_path):
    write_coordinates(tmp_path / "picks" / "m_autopick.star", picks("m"))
    (found,) = read_sets([tmp_path / "picks"], ["theirs"], 2.0)
    assert found.label == "theirs"
    assert found.picks["m"].pixel_size == 2.0
