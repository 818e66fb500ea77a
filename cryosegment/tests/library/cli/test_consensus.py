# SPDX-License-Identifier: GPL-3.0-or-later
import shutil
import subprocess
import sys

import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.exchange.consensus import read_consensus, read_counts
from cryosegment.exchange.coordinates import Coordinates, read_coordinates, write_coordinates_as
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.star import read_star
from cryosegment.tests import browser

ROOM = 40.0
"""Distance of the particles, px; the radius is 10."""
SETS = {
    "first": {"a": [0, 1, 2, 3], "b": [0, 1], "c": []},
    "second": {"a": [1, 2, 3, 4], "b": [1]},
    "third": {"a": [2, 3, 5], "b": [1], "c": [0]},
}
"""Particles of each set by micrograph."""
SUFFIX = {"first": ".star", "second": ".box", "third": ".csv"}


def expected(votes, name="a"):
    found = [particle for picks in SETS.values() for particle in picks.get(name, [])]
    return {each for each in found if found.count(each) >= votes}


def write(folder, name, particles, suffix):
    folder.mkdir(exist_ok=True)
    jitter = np.random.default_rng(len(particles)).uniform(-1, 1, size=(len(particles), 2))
    centers_yx = np.array([(100.0, 50 + ROOM * i) for i in particles]).reshape(-1, 2) + jitter
    scores = np.linspace(0.9, 0.5, len(particles))
    coordinates = Coordinates(centers_yx, 1.0, name, scores)
    write_coordinates_as(folder / f"{name}{suffix}", coordinates, 20.0)


@pytest.fixture
def sets(tmp_path):
    for label, picks in SETS.items():
        for name, particles in picks.items():
            write(tmp_path / label, name, particles, SUFFIX[label])
    return tmp_path


def consensus(folder, *more, sets=tuple(SETS), output="out"):
    inputs = [str(folder / name) for name in sets]
    lengths = ["--diameter", "40", "--pixel-size", "1", "--output", str(folder / output)]
    return main(["consensus", *inputs, *lengths, *more])


def particles_of(coordinates):
    return {round((x - 50) / ROOM) for x in coordinates.centers_yx[:, 1]}


@pytest.mark.parametrize(
    ("votes", "number"), [("1", 1), ("2", 2), ("majority", 2), ("3", 3), ("all", 3)]
)
def test_votes(sets, votes, number):
    assert consensus(sets, "--votes", votes) == 0
    found = read_coordinates(sets / "out" / "coordinates", 1.0)
    assert {name: particles_of(each) for name, each in found.items()} == {
        name: expected(number, name) for name in "abc"
    }


def test_files_say_which_sets_have_a_pick(sets, capsys):
    assert consensus(sets, "--votes", "2") == 0
    out, folder = capsys.readouterr().out, sets / "out"
    assert "first" in out.splitlines()[1]
    assert out.splitlines()[-1].startswith("consensus: 3 micrographs, 4 picks; ")
    assert "Particles by votes: 5 with 1, 1 with 2, 3 with 3; picks have at least 2." in out
    picks = read_consensus(folder / "coordinates" / "a.star", 1.0, "a")
    by_particle = dict(zip(np.round((picks.coordinates.centers_yx[:, 1] - 50) / ROOM), picks.sets))
    assert by_particle == {1: "1+2", 2: "1+2+3", 3: "1+2+3"}
    assert np.isnan(picks.set_scores[:, 1]).all()  # .box files of picks with boxes alone
    assert (np.diff(picks.coordinates.scores) <= 0).all()
    (block,) = read_star(folder / "coordinates.star").values()
    assert sorted(block["rlnMicrographName"]) == ["a.mrc"] * 3 + ["b.mrc"]
    assert sorted(block["cryosegmentVotes"]) == ["2", "3", "3", "3"]
    counts = read_counts(folder)
    assert {name: each.picks for name, each in counts.items()} == {"a": 3, "b": 1, "c": 0}
    assert counts["a"].in_set.tolist() == [4, 4, 3]
    assert counts["a"].agreed.tolist() == [3, 3, 2]
    own = [set(picks["a"]) for picks in SETS.values()]
    assert counts["a"].together.tolist() == [[len(one & two) for two in own] for one in own]
    assert main(["run", str(folder / "job.json")]) == 0  # the same again in the same place
    assert len(read_coordinates(folder, 1.0)["a"]) == 3


def test_sets_that_lack_a_micrograph_are_named(sets, capsys):
    assert consensus(sets) == 0
    assert "second has none of 1 of 3 micrographs, such as c" in capsys.readouterr().err


def test_a_damaged_file_costs_its_micrograph_alone(sets, capsys):
    damaged = sets / "second" / "b_autopick.star"
    damaged.write_text("data_\n")
    (sets / "second" / "b.box").unlink()
    write(sets / "second", "d", [0], ".box")
    (sets / "first" / "e.star").write_text("data_\n")  # on a micrograph that no set has
    assert consensus(sets, "--votes", "1") == 3
    assert set(read_failures(sets / "out")) == {"b", "e"}
    assert str(damaged) in read_failures(sets / "out")["b"]
    assert set(read_coordinates(sets / "out" / "coordinates", 1.0)) == {"a", "c", "d"}
    assert set(read_coordinates(sets / "out", 1.0)) == {"a", "c", "d"}
    assert "2 of 5 micrographs failed" in capsys.readouterr().err
    damaged.unlink()
    write(sets / "second", "b", [1], ".box")
    assert consensus(sets, "--votes", "1", "--resume") == 3
    assert set(read_failures(sets / "out")) == {"e"}
    assert particles_of(read_coordinates(sets / "out", 1.0)["b"]) == expected(1, "b")


def test_a_damaged_file_of_what_is_taken_away_does_so_too(sets):
    (sets / "third" / "a.csv").write_text("no table")
    assert consensus(sets, "--without", str(sets / "third"), sets=["first"]) == 3
    assert set(read_failures(sets / "out")) == {"a"}
    assert set(read_coordinates(sets / "out" / "coordinates", 1.0)) == {"b", "c"}


def test_a_set_that_cannot_be_read_at_all_fails(sets, capsys):
    (sets / "bad.star").write_text("data_\n")
    assert consensus(sets, sets=["first", "bad.star"]) == 1
    assert "bad.star" in capsys.readouterr().err
    assert not (sets / "out").exists()


def test_the_page_has_shares_in_common_and_numbers_of_micrographs(sets):
    assert consensus(sets, "--votes", "2") == 0
    seen = browser.look(
        sets / "out" / "report.html",
        """
        findings.tables = [...document.querySelectorAll("table")].map(table =>
          [...table.tBodies[0].rows].map(row =>
            [...row.cells].map(cell => cell.textContent.trim())));
        """,
    )
    assert seen["console"] == []
    own, shares, votes, micrographs = seen["tables"]
    assert own == [["first", "6", "4", "0.67"], ["second", "5", "4", "0.80"], *own[2:]]
    every = [{(name, i) for name, own in picks.items() for i in own} for picks in SETS.values()]
    assert [[float(cell) for cell in row[2:]] for row in shares] == [
        pytest.approx([len(one & two) / len(one) for two in every], abs=0.005) for one in every
    ]
    assert votes == [["1", "5"], ["2", "1"], ["3", "3"]]
    assert micrographs == [
        ["a", "3", "3", "3", "2"],
        ["b", "1", "1", "1", "1"],
        ["c", "0", "0", "0", "0"],
    ]


def test_difference(sets):
    assert consensus(sets, "--without", str(sets / "third"), sets=["first"]) == 0
    assert particles_of(read_coordinates(sets / "out", 1.0)["a"]) == {0, 1}
    again = ["--without", str(sets / "third"), "--without", str(sets / "second")]
    assert consensus(sets, *again, sets=["first"], output="less") == 0
    assert particles_of(read_coordinates(sets / "less", 1.0)["a"]) == {0}
    both = ["--votes", "2", "--without", str(sets / "third")]
    assert consensus(sets, *both, sets=["first", "second"], output="both") == 0
    assert particles_of(read_coordinates(sets / "both", 1.0)["a"]) == {1}


def test_resume_does_what_has_changed_and_keeps_the_rest(sets):
    assert consensus(sets) == 0
    kept, redone = (sets / "out" / "coordinates" / f"{name}.star" for name in "ab")
    before = kept.stat().st_mtime_ns
    write(sets / "second", "b", [0, 1], ".box")
    write(sets / "second", "d", [7], ".box")
    write(sets / "third", "d", [7], ".csv")
    first = redone.read_text()
    assert consensus(sets, "--resume") == 0
    assert kept.stat().st_mtime_ns == before
    assert redone.read_text() != first
    whole = read_coordinates(sets / "out", 1.0)
    assert {name: particles_of(each) for name, each in whole.items()} == {
        **{"a": {1, 2, 3}, "b": {0, 1}},
        "d": {7},
    }
    assert {name: each.picks for name, each in read_counts(sets / "out").items()} == {
        **{"a": 3, "b": 2, "c": 0},
        "d": 1,
    }
    for label in SETS:  # what has gone since stays
        shutil.copytree(sets / label, sets / f"{label}_b")
        for path in (sets / f"{label}_b").glob("[acd].*"):
            path.unlink()
    assert consensus(sets, "--resume", sets=[f"{label}_b" for label in SETS]) == 0
    assert set(read_coordinates(sets / "out", 1.0)) == {"a", "b", "d"}


def test_a_resumed_run_has_as_many_sets(sets, capsys):
    assert consensus(sets) == 0
    assert consensus(sets, "--resume", sets=["first", "second"]) == 1
    assert "of 3 sets, and got 2" in capsys.readouterr().err


def test_a_run_does_not_leave_others_beside_its_own(sets, capsys):
    assert consensus(sets) == 0
    for label in SETS:
        for path in (sets / label).glob("c.*"):
            path.unlink()
    assert consensus(sets) == 1
    assert "results of 1 other micrographs, such as c" in capsys.readouterr().err


def test_micrographs_that_fail_are_listed(sets, capsys):
    assert consensus(sets) == 0
    damaged = sets / "out" / "coordinates" / "a.star"
    damaged.write_text("data_\n\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 2\n")
    assert consensus(sets, "--resume") == 3
    assert list(read_failures(sets / "out")) == ["a"]
    assert "1 of 3 micrographs failed" in capsys.readouterr().err
    assert set(read_coordinates(sets / "out", 1.0)) == {"b"}
    assert consensus(sets, "--resume") == 0
    assert not read_failures(sets / "out")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--votes", "4"], "votes to be at most 3, the number of sets, got 4"),
        (["--votes", "0"], "votes to be a number from 1, majority or all, got '0'"),
        (["--votes", "most"], "votes to be a number from 1, majority or all, got 'most'"),
        (["--radius", "0"], "radius to be at least 0.01"),
        (["--without", "nowhere"], "nowhere does not exist"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(sets, capsys, more, message):
    assert consensus(sets, *more) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_name_that_is_a_path_writes_nothing(sets, capsys):
    table = "micrograph,x,y\n../away,10,10\n"
    (sets / "bad.csv").write_text(table)
    assert consensus(sets, "--names", "one,two", sets=["bad.csv", "bad.csv"]) == 1
    assert "'../away'" in capsys.readouterr().err
    assert not list(sets.glob("**/away*"))


def test_no_torch_is_loaded(sets):
    arguments = ["--diameter", "40", "--pixel-size", "1", "--output", str(sets / "out")]
    arguments = ["consensus", str(sets / "first"), str(sets / "second"), *arguments]
    code = (
        "import sys; from cryosegment.cli.main import main; "
        f"assert main({arguments!r}) == 0; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
