# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.core.images.micrograph import write_image
from cryosegment.exchange.coordinates import Coordinates, write_coordinates, write_coordinates_as
from cryosegment.exchange.job import Job
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import COORDINATES, PickFolder
from cryosegment.exchange.pick_summary import MicrographSummary, append_summary
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.training_history import write_history


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for name in "ab":
        image = random.normal(size=(200, 200)).astype(np.float32)
        write_image(tmp_path / "micrographs" / f"{name}.mrc", image, 4.0)
        for picker, suffix in (("one", ".star"), ("two", ".box")):
            (tmp_path / picker).mkdir(exist_ok=True)
            found = Coordinates(random.uniform(0, 200, (20, 2)), 4.0, name, random.random(20))
            write_coordinates_as(tmp_path / picker / f"{name}{suffix}", found, 20.0)
    return tmp_path


def report(folder, *more):
    inputs = [str(folder / "one"), str(folder / "two")]
    return main(["report", *inputs, *more, "--output", str(folder / "out")])


def test_picks_of_others(folder, capsys):
    micrographs = ["--micrographs", str(folder / "micrographs")]
    assert report(folder, "--diameter", "80", "--pixel-size", "4", *micrographs) == 0
    out = capsys.readouterr().out
    assert out.startswith("report: 2 sets, 2 micrographs, 80 picks; ")
    page = (folder / "out" / "report.html").read_text()
    assert "Mean image" in page
    assert "Agreement" in page
    assert main(["run", str(folder / "out" / "job.json")]) == 0


def test_a_damaged_file_is_listed_and_the_rest_is_shown(folder):
    (folder / "one" / "c.star").write_text("data_\n")
    assert report(folder, "--diameter", "80", "--pixel-size", "4") == 3
    assert set(read_failures(folder / "out")) == {"c"}
    assert "Left out" in (folder / "out" / "report.html").read_text()


def test_lengths_that_nobody_says_are_asked_for(folder, capsys):
    assert report(folder, "--pixel-size", "4") == 1
    assert "--diameter" in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_a_page_follows_a_run_that_goes_on(tmp_path, monkeypatch, capsys):
    """From before its first micrograph until Ctrl-C; waiting is what adds the next one."""
    results, pages = PickFolder(tmp_path / "run"), []
    params = record_to_dict(PickParams(diameter=80.0))
    Job("pick", params, ("a.mrc", "b.mrc"), str(results.path), ("a", "b")).write(results.picking)

    def wait(seconds):
        pages.append((tmp_path / "out" / "report.html").read_text())
        assert seconds == 7
        if len(pages) == 3:
            raise KeyboardInterrupt
        name = "ab"[len(pages) - 1]
        append_summary(results.path, MicrographSummary(name, 4.0, (90, 90), 1, 1.0, 0.5, 0.0))
        found = Coordinates([[10, 10]], 4.0, name, [0.5])
        write_coordinates(results.file(COORDINATES, name), found)

    monkeypatch.setattr("time.sleep", wait)
    output = ["--output", str(tmp_path / "out")]
    assert main(["report", str(results.path), "--refresh", "7", *output]) == 130
    assert all('<meta http-equiv="refresh" content="7">' in page for page in pages)
    assert [line.split(";")[0] for line in capsys.readouterr().out.splitlines()] == [
        "1 set, 0 micrographs, 0 picks",
        "1 set, 1 micrograph, 1 pick",
        "1 set, 2 micrographs, 2 picks",
    ]
    assert main(["report", str(results.path), *output]) == 0
    assert "refresh" not in (tmp_path / "out" / "report.html").read_text().split("<body>")[0]


def test_trainings(tmp_path, capsys):
    models = [str(tmp_path / f"{name}.safetensors") for name in ("one", "two")]
    for model in models:
        write_history(model, [{"step": 0.0, "seconds": 1.0, "score": 0.5}])
    output = ["--output", str(tmp_path / "out")]
    assert main(["report", *models, *output]) == 0
    assert capsys.readouterr().out.startswith("report: 2 trainings; ")
    assert "Trainings" in (tmp_path / "out" / "report.html").read_text()
    assert main(["report", models[0], str(tmp_path), *output]) == 1
    assert "got both" in capsys.readouterr().err
