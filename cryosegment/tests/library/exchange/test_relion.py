# SPDX-License-Identifier: GPL-3.0-or-later
"""What RELION makes of our files."""

import subprocess
from shutil import which

import mrcfile
import numpy as np
import pytest

from cryosegment.exchange.coordinates import Coordinates, read_coordinates, write_coordinates
from cryosegment.exchange.star import read_star, write_star
from cryosegment.tests.machine import NO_RELION

OPTICS = {
    "rlnOpticsGroupName": ["group"],
    "rlnOpticsGroup": [1],
    "rlnMicrographPixelSize": [1.0],
    "rlnVoltage": [300.0],
    "rlnSphericalAberration": [2.7],
    "rlnAmplitudeContrast": [0.1],
}
EXTRACT = "--part_star out.star --part_dir ./parts/ --extract --extract_size 16"


@pytest.mark.skipif(which("relion_preprocess") is None, reason=NO_RELION)
def test_relion_extracts_where_the_coordinates_point_and_keeps_the_score(tmp_path):
    image = np.random.default_rng(0).normal(size=(96, 128)).astype(np.float32)
    image[20, 50] = image[70, 31] = 100.0
    mrcfile.write(tmp_path / "mic.mrc", image)
    picks = Coordinates([[20, 50], [70, 31]], 1.0, "mic", scores=[0.9, 0.4])
    write_coordinates(tmp_path / "mic_picks.star", picks)
    micrographs = {"rlnMicrographName": ["mic.mrc"], "rlnOpticsGroup": [1]}
    write_star(tmp_path / "mics.star", {"optics": OPTICS, "micrographs": micrographs})
    options = f"--i mics.star --coord_dir ./ --coord_suffix _picks.star {EXTRACT}"
    command = ["relion_preprocess", *options.split()]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    particles = mrcfile.read(tmp_path / "parts" / "mic.mrcs")
    brightest = [np.unravel_index(particle.argmax(), particle.shape) for particle in particles]
    assert brightest == [(8, 8), (8, 8)]  # RELION's centre of a box of 16
    extracted = read_coordinates(tmp_path / "out.star", 1.0)["mic"]
    np.testing.assert_allclose(extracted.centers_yx, picks.centers_yx)
    np.testing.assert_allclose(extracted.scores, picks.scores)
    assert list(read_star(tmp_path / "out.star")) == ["optics", "particles"]
