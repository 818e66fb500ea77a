# SPDX-License-Identifier: GPL-3.0-or-later
"""What RELION makes of our files."""

import mrcfile
import numpy as np

from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.star import read_star


def test_relion_extracts_where_the_coordinates_point_and_keeps_the_score(tmp_path, relion_extract):
    image = np.random.default_rng(0).normal(size=(96, 128)).astype(np.float32)
    image[20, 50] = image[70, 31] = 100.0
    mrcfile.write(tmp_path / "mic.mrc", image)
    picks = Coordinates([[20, 50], [70, 31]], 1.0, "mic", scores=[0.9, 0.4])
    particles = relion_extract(tmp_path / "mic.mrc", picks)
    brightest = [np.unravel_index(particle.argmax(), particle.shape) for particle in particles]
    assert brightest == [(8, 8), (8, 8)]  # RELION's centre of a box of 16
    extracted = read_coordinates(tmp_path / "out.star", 1.0)["mic"]
    np.testing.assert_allclose(extracted.centers_yx, picks.centers_yx)
    np.testing.assert_allclose(extracted.scores, picks.scores)
    assert list(read_star(tmp_path / "out.star")) == ["optics", "particles"]
