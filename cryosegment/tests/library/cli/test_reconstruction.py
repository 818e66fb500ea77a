# SPDX-License-Identifier: GPL-3.0-or-later
import json

import mrcfile
import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.core.simulation.writer import write_simulation
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.params import SimulateParams
from cryosegment.tests.cryosparc_files import write_refined


@pytest.fixture
def simulated(tmp_path):
    write_simulation(tmp_path, SimulateParams(count=2, size=(160, 200), pixel_size=6.0, seed=2))
    return tmp_path


def arguments(folder, *more):
    return [
        "labels",
        "reconstruction",
        *(str(path) for path in sorted((folder / "micrographs").iterdir())),
        *("--particles", str(folder / "truth" / "coordinates.star")),
        *("--map", str(next((folder / "truth" / "maps").iterdir()))),
        *("--pixel-size", "6", "--output", str(folder / "out"), *more),
    ]


def test_a_labels_folder_is_made_that_can_be_trained_on(simulated, capsys):
    assert main(arguments(simulated)) == 0
    assert "particles labelled; none rejected" in capsys.readouterr().out
    index = read_labels_index(simulated / "out")
    assert index.source == "reconstruction"
    assert [entry.name for entry in index.entries] == ["simulated_0001", "simulated_0002"]
    for entry in index.entries:
        truth = mrcfile.read(simulated / "truth" / "instances" / f"{entry.name}.mrc")
        found = mrcfile.read(entry.instances)
        assert found.dtype == np.int16
        assert mrcfile.read(entry.classes).dtype == np.int8
        assert (found == truth)[(found > 0) | (truth > 0)].mean() > 0.95
    summary = json.loads((simulated / "out" / "report.json").read_text())
    assert summary["rejected"] == {}
    assert any("surface" in note for note in summary["notes"])


def test_refined_particles_of_cryosparc_give_the_labels_of_the_truth(simulated):
    """Found beside it: where they were picked; the names begin with its numbers."""
    truth = simulated / "truth" / "coordinates.star"
    refined = write_refined(simulated / "J5", truth, (160, 200), 6.0)
    assert main(arguments(simulated, "--particles", str(refined))) == 0
    for entry in read_labels_index(simulated / "out").entries:
        expected = mrcfile.read(simulated / "truth" / "instances" / f"{entry.name}.mrc") > 0
        found = mrcfile.read(entry.instances) > 0
        assert (found & expected).sum() / (found | expected).sum() > 0.95


def test_a_run_resumes_and_reports_all(simulated):
    assert main(arguments(simulated)) == 0
    first = simulated / "out" / "instances" / "simulated_0001.mrc"
    report = (simulated / "out" / "report.csv").read_text()
    written = first.stat().st_mtime_ns
    (simulated / "out" / "coordinates" / "simulated_0002.star").unlink()
    assert main(arguments(simulated, "--resume")) == 0
    assert first.stat().st_mtime_ns == written
    assert (simulated / "out" / "report.csv").read_text() == report


def test_a_micrograph_without_particles_fails_and_the_rest_goes_on(simulated, capsys):
    path = simulated / "micrographs" / "simulated_0001.mrc"
    path.rename(path.with_name("other.mrc"))
    assert main(arguments(simulated)) == 3
    assert list(read_failures(simulated / "out")) == ["other"]
    assert len(read_labels_index(simulated / "out").entries) == 1
    assert "micrograph not given" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--map", ""), "--map or --mask"),
        (("--map", "missing.mrc"), "found no file"),
        (("--particles", "missing.star"), "does not exist"),
        (("--map-threshold", "magic"), "surface, li, otsu"),
        (("--map-pixel-size", "100"), "check the pixel sizes"),
        (("--classes", "1,2"), "is of class 2: it has 1"),
    ],
)
def test_what_cannot_be_is_one_line(simulated, change, message, capsys):
    assert main(arguments(simulated, *change)) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("cryosegment: ")
    assert message in error
