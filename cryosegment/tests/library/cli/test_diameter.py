# SPDX-License-Identifier: GPL-3.0-or-later
import json

import numpy as np
import pytest
from scipy.spatial import cKDTree

from cryosegment.cli.main import main
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.diameter_estimate import DiameterEstimate, read_estimate
from cryosegment.exchange.job import read_job
from cryosegment.exchange.labels import read_labels_index

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def simulation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulation") / "out"
    size = ["--size", "512", "512", "--pixel-size", "4", "--snr", "0.1", "--count", "3"]
    assert main(["simulate", *size, "--output", str(folder), "--seed", "3"]) == 0
    return folder


def test_the_estimate_is_printed_and_written(simulation, tmp_path, capsys):
    arguments = ["diameter", str(simulation / "micrographs"), "--gpu", "cpu", "--count", "2"]
    assert main([*arguments, "--json", "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "simulated_0001" in said.err
    assert "simulated_0003" in said.err
    assert "simulated_0002" not in said.err  # two of three: the first and the last
    found = json.loads(said.out)
    assert list(found) == ["diameter", "low", "high"]
    true = read_labels_index(simulation / "truth").entries[0].diameter
    assert found["diameter"] == pytest.approx(true, rel=0.15)
    assert json.loads((tmp_path / "out" / "diameter.json").read_text()) == found
    assert read_estimate(tmp_path / "out") == DiameterEstimate(**found)
    picks = read_coordinates(tmp_path / "out" / "coordinates", 4.0)
    assert list(picks) == ["simulated_0001", "simulated_0003"]
    centers = read_coordinates(simulation / "truth" / "coordinates", 4.0)
    for name, chosen in picks.items():
        distances, _ = cKDTree(centers[name].centers_yx).query(chosen.centers_yx)
        assert np.median(distances) * 4 < 0.25 * true
    assert read_job(tmp_path / "out" / "job.json").command == "diameter"
    assert main(arguments) == 0
    text = "diameter {diameter:.0f} Å, from {low:.0f} to {high:.0f} Å\n".format(**found)
    assert capsys.readouterr().out == text
