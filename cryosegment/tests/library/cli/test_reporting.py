# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.core.images.micrograph import write_image
from cryosegment.exchange.coordinates import Coordinates, write_coordinates_as
from cryosegment.exchange.micrograph_lists import read_failures


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
