# SPDX-License-Identifier: GPL-3.0-or-later
import json

import pytest

from cryosegment.cli.main import main
from cryosegment.core.simulation.writer import write_simulation
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.params import SimulateParams


@pytest.fixture
def simulated(tmp_path):
    """Two micrographs with their truth, which is a labels folder."""
    params = SimulateParams(count=2, size=(512, 512), pixel_size=6.0, seed=2, snr=0.2)
    write_simulation(tmp_path, params)
    return tmp_path


def check(folder, *more):
    return main(["labels", "check", str(folder / "truth"), "--output", str(folder / "out"), *more])


@pytest.mark.slow
def test_the_truth_fits_its_micrographs(simulated, capsys):
    assert check(simulated, "--overlays", "1") == 0
    output = capsys.readouterr().out
    assert "on 2 micrographs" in output
    values = json.loads((simulated / "out" / "quality.json").read_text())
    assert (values["segmentation"], values["notes"]) == ("general", [])
    assert values["supported"] > 0.9
    assert values["unlabelled"] < 0.1
    names = {path.name for path in (simulated / "out").iterdir()}
    tables = {"quality.csv", "particles.csv", "quality.json"}
    assert names == {*tables, "quality.png", "report.html", "overlays", "job.json"}


def test_without_a_model_and_with_a_micrograph_that_is_lost(simulated, capsys):
    (simulated / "micrographs" / "simulated_0001.mrc").write_bytes(b"")
    assert check(simulated, "--model", "none", "--overlays", "0") == 3
    assert "segmentation (none)" in capsys.readouterr().out
    assert list(read_failures(simulated / "out")) == ["simulated_0001"]


@pytest.mark.parametrize(
    ("more", "message"),
    [(["--model", "missing.safetensors"], "missing.safetensors"), (["--gpu", "99"], "gpu")],
)
def test_what_cannot_be_is_one_line(simulated, more, message, capsys):
    assert check(simulated, *more) == 1
    error = capsys.readouterr().err.splitlines()[-1].lower()
    assert error.startswith("cryosegment: ")
    assert message in error
