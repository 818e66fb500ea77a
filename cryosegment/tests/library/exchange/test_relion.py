# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of RELION, and what RELION makes of our files."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.relion import (
    PLACE,
    project_file,
    read_relion_blocks,
    read_relion_table,
)
from cryosegment.exchange.star import read_star, write_star


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


def table_of(tmp_path, columns, optics=None):
    blocks = {"optics": optics} if optics else {}
    write_star(tmp_path / "p.star", {**blocks, "particles": columns})
    found = read_relion_blocks(tmp_path / "p.star")
    wanted = (PLACE, ("rlnMicrographName", "rlnImageName"))
    return read_relion_table(tmp_path / "p.star", found, found["particles"], wanted)


def test_pixel_sizes_of_optics_groups_particles_or_magnifications(tmp_path):
    grouped = table_of(
        tmp_path,
        {"rlnOpticsGroup": [2, 1]},
        {"rlnOpticsGroup": [1.0, 2.0], "rlnImagePixelSize": [1.5, 3.0]},
    )
    assert grouped.pixel_sizes().tolist() == [3.0, 1.5]
    assert table_of(tmp_path, {"rlnPixelSize": [2.0]}).pixel_sizes().tolist() == [2.0]
    magnified = {"rlnDetectorPixelSize": [5.0, 5.0], "rlnMagnification": [50000.0, 0.0]}
    np.testing.assert_array_equal(table_of(tmp_path, magnified).pixel_sizes(), [1.0, np.nan])
    assert np.isnan(table_of(tmp_path, {"rlnCoordinateX": [1.0]}).pixel_sizes()).all()


def test_a_group_that_the_optics_table_lacks(tmp_path):
    optics = {"rlnOpticsGroup": [1], "rlnImagePixelSize": [1.5]}
    with pytest.raises(InputError, match="optics group 9"):
        table_of(tmp_path, {"rlnOpticsGroup": [1, 9]}, optics).pixel_sizes()


def test_micrographs_are_named_or_those_of_the_stacks(tmp_path):
    images = ["1@Extract/a.mrcs", "2@Extract/a.mrcs"]
    assert table_of(tmp_path, {"rlnImageName": images}).micrographs() == ["a", "a"]
    named = {"rlnImageName": images, "rlnMicrographName": ["m/b.tif", "c.frames.mrc"]}
    assert table_of(tmp_path, named).micrographs() == ["b", "c.frames"]
    with pytest.raises(InputError, match="which micrographs"):
        table_of(tmp_path, {"rlnCoordinateX": [1.0]}).micrographs()


def test_files_of_a_project_are_found_from_its_lists(tmp_path, monkeypatch):
    (tmp_path / "Movies").mkdir()
    (tmp_path / "Movies" / "a.mrc").touch()
    listed = tmp_path / "CtfFind" / "job003" / "micrographs_ctf.star"
    assert project_file(listed, "Movies\\a.mrc", "movie") == tmp_path / "Movies" / "a.mrc"
    with pytest.raises(InputError, match=r"the movie Movies of .* is neither in"):
        project_file(listed, "Movies", "movie")
    monkeypatch.chdir(tmp_path)
    assert project_file(Path("/else/list.star"), "Movies/a.mrc", "movie") == Path("Movies/a.mrc")
