# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import starfile

from cryosegment.exchange.coordinates import (
    JOINT,
    Coordinates,
    Picked,
    read_coordinates,
    write_coordinates,
)
from cryosegment.exchange.coordinates.every_column import EveryColumn
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.particles import read_particles
from cryosegment.exchange.star import write_star

XY = {"rlnCoordinateX": [10.0, 20.0], "rlnCoordinateY": [5.0, 15.0]}


def test_minus_999_is_not_set(tmp_path):
    """As RELION's manual picking writes, and crYOLO; other angles and scores stay."""
    unset = {"rlnAnglePsi": [-999.0, 30.0], "rlnAutopickFigureOfMerit": [-9999.0, -2.0]}
    write_star(tmp_path / "m.star", {"": {**XY, **unset}})
    found = read_coordinates(tmp_path / "m.star", 1.0)["m"]
    np.testing.assert_array_equal(found.angles, [np.nan, 30])
    np.testing.assert_array_equal(found.scores, [np.nan, -2])


def test_origin_offsets_are_subtracted(tmp_path):
    """In Å, or in px of the particle images; on micrographs of 2 Å/px."""
    angstrom = {"rlnOriginXAngst": [4.0, 0.0], "rlnOriginYAngst": [-2.0, 0.0]}
    write_star(tmp_path / "new.star", {"particles": {**XY, **angstrom}})
    pixels = {"rlnOriginX": [1.0, 0.0], "rlnOriginY": [-0.5, 0.0]}
    size = {"rlnDetectorPixelSize": [8.0] * 2, "rlnMagnification": [20000.0] * 2}
    write_star(tmp_path / "old.star", {"": {**XY, **pixels, **size}})
    for name in ("new", "old"):
        found = read_coordinates(tmp_path / f"{name}.star", 2.0)[name]
        assert found.centers_yx.tolist() == [[6, 8], [15, 20]]
    write_star(tmp_path / "none.star", {"": {**XY, **pixels}})
    with pytest.raises(InputError, match=r"shifts in .* are in px"):
        read_coordinates(tmp_path / "none.star", 2.0)


def test_pixel_sizes_of_images_are_read_where_shifts_need_them(tmp_path):
    """Coordinates alone want no optics group."""
    optics = {"rlnOpticsGroup": [1], "rlnImagePixelSize": [1.5]}
    particles = {**XY, "rlnOpticsGroup": [1, 7]}
    write_star(tmp_path / "m.star", {"optics": optics, "particles": particles})
    assert len(read_coordinates(tmp_path / "m.star", 1.0)["m"]) == 2


def test_the_stack_stands_for_a_micrograph_that_is_not_named(tmp_path):
    names = ["000001@Extract/job1/a.mrcs", "000001@Extract/job1/b.mrcs"]
    write_star(tmp_path / "p.star", {"particles": {"rlnImageName": names, **XY}})
    assert list(read_coordinates(tmp_path / "p.star", 1.0)) == ["a", "b"]


def test_paths_of_windows(tmp_path):
    names = ["C:\\data\\a.mrc", "data\\b.frames.mrc"]
    write_star(tmp_path / "p.star", {"": {"rlnMicrographName": names, **XY}})
    assert list(read_coordinates(tmp_path / "p.star", 1.0)) == ["a", "b.frames"]


@pytest.mark.parametrize(
    "columns",
    [
        {"rlnTomoName": ["t", "t"], **XY},
        {**XY, "rlnCoordinateZ": [3.0, 4.0]},
        {"rlnTomoName": ["t"], "rlnCenteredCoordinateXAngst": [1.0]},
    ],
)
def test_particles_of_tomograms_are_refused(tmp_path, columns):
    write_star(tmp_path / "p.star", {"particles": columns})
    with pytest.raises(InputError, match="tomograms"):
        read_coordinates(tmp_path / "p.star", 1.0)


def test_a_depth_of_zero_is_no_tomogram(tmp_path):
    write_star(tmp_path / "m.star", {"": {**XY, "rlnCoordinateZ": [0.0, 0.0]}})
    assert len(read_coordinates(tmp_path / "m.star", 1.0)["m"]) == 2


@pytest.fixture
def project(tmp_path):
    """A project of RELION with a list of coordinate files in a job's folder."""
    job = tmp_path / "AutoPick" / "job010"
    write_star(job / "Movies" / "a_autopick.star", {"": XY})
    (job / "Movies" / "b.box").write_text("0 10 20 40\n")
    listed = {
        "rlnMicrographName": ["MotionCorr/job002/Movies/a.mrc", "MotionCorr/job002/Movies/b.mrc"],
        "rlnMicrographCoordinates": [
            "AutoPick/job010/Movies/a_autopick.star",
            "AutoPick\\job010\\Movies\\b.box",
        ],
    }
    write_star(job / "autopick.star", {"coordinate_files": listed})
    write_star(job / "job.star", {"job": {"rlnJobTypeLabel": ["relion.autopick"]}})
    return tmp_path


@pytest.mark.parametrize("given", ["AutoPick/job010/autopick.star", "AutoPick/job010"])
def test_lists_of_coordinate_files(project, given):
    """Their paths begin in the project's folder, wherever the list is read from."""
    found = read_coordinates(project / given, 1.0)
    assert {name: own.centers_yx.tolist() for name, own in found.items()} == {
        "a": [[5, 10], [15, 20]],
        "b": [[30, 10]],
    }


def test_a_listed_file_that_is_missing_is_named(project):
    (project / "AutoPick" / "job010" / "Movies" / "b.box").unlink()
    with pytest.raises(InputError, match=r"Movies.b\.box of .*autopick\.star is neither in"):
        read_coordinates(project / "AutoPick" / "job010" / "autopick.star", 1.0)


def test_a_list_that_lists_itself_ends(tmp_path):
    listed = {"rlnMicrographName": ["a.mrc"], "rlnMicrographCoordinates": ["a.star"]}
    write_star(tmp_path / "a.star", {"coordinate_files": listed})
    with pytest.raises(InputError, match="rlnCoordinateX"):
        read_coordinates(tmp_path / "a.star", 1.0)


def test_the_list_that_relion_takes_begins_in_the_project(tmp_path, monkeypatch):
    """Micrographs elsewhere keep their path."""
    monkeypatch.chdir(tmp_path)
    picks = Coordinates([[1.0, 2.0]], 1.0, "a")
    files = [tmp_path / "picks" / "coordinates" / name for name in ("a.star", "b.star")]
    picked = [
        Picked(picks, tmp_path / "MotionCorr" / "a.mrc", (9, 9), files[0]),
        Picked(picks.renamed("b"), "/data/b.mrc", (9, 9), files[1]),
    ]
    for each in picked:
        write_coordinates(each.file, each.coordinates)
    JOINT["relion"].write(tmp_path / "picks" / "autopick.star", picked)
    table = starfile.read(tmp_path / "picks" / "autopick.star")
    assert table["rlnMicrographName"].tolist() == ["MotionCorr/a.mrc", "/data/b.mrc"]
    listed = ["picks/coordinates/a.star", "picks/coordinates/b.star"]
    assert table["rlnMicrographCoordinates"].tolist() == listed
    assert list(read_coordinates(tmp_path / "picks", 1.0)) == ["a", "b"]


def test_columns_of_poses_are_flipped_as_poses_are(tmp_path):
    """Shifts and angles too; what is not set and all other columns stay."""
    pose = {
        "rlnAngleRot": [10.0, 20.0],
        "rlnAngleTilt": [30.0, 140.0],
        "rlnAnglePsi": [70.0, -60.0],
        "rlnOriginXAngst": [4.0, 1.0],
        "rlnOriginYAngst": [-2.0, 3.0],
        "cryosegmentAxisAngle": [-999.0, 25.0],
        "rlnComment": ["one", "two"],
    }
    optics = {"rlnOpticsGroup": [1], "rlnImagePixelSize": [2.0]}
    own = {"rlnMicrographName": ["m.mrc"] * 2, "rlnOpticsGroup": [1, 1], **XY, **pose}
    write_star(tmp_path / "last.star", {"optics": {**optics}, "particles": own})
    given = read_coordinates(tmp_path / "last.star", 1.0)["m"].flipped(100)
    columns = EveryColumn().of(given, 100)
    write_star(tmp_path / "first.star", {"optics": {**optics}, "particles": columns})
    found = read_particles(tmp_path / "first.star")
    expected = read_particles(tmp_path / "last.star").flipped(100)
    for field in ("centers_yx", "shifts_yx", "angles"):
        np.testing.assert_allclose(getattr(found, field), getattr(expected, field))
    read = read_coordinates(tmp_path / "first.star", 1.0)["m"]
    np.testing.assert_allclose(read.centers_yx, given.centers_yx)
    assert columns["cryosegmentAxisAngle"] == ["-999.000000", -25.0]
    assert list(columns["rlnComment"]) == ["one", "two"]


def test_priors_are_flipped_as_what_they_are_of(tmp_path):
    values = {"rlnAngleRot": 10.0, "rlnAngleTilt": 30.0, "rlnAnglePsi": 70.0, "rlnOriginY": 3.0}
    own = {name: [value] * 2 for name, value in values.items()}
    priors = {f"{name}Prior": cells for name, cells in own.items()}
    write_star(tmp_path / "m.star", {"": {**XY, "rlnPixelSize": [2.0] * 2, **own, **priors}})
    columns = EveryColumn().of(read_coordinates(tmp_path / "m.star", 1.0)["m"].flipped(100), 100)
    for name in own:
        assert columns[f"{name}Prior"] == columns[name]


def test_the_larger_defocus_lies_where_it_was_in_the_mirrored_image(tmp_path):
    angles = np.array([35.0, -80.0])
    write_star(tmp_path / "m.star", {"": {**XY, "rlnDefocusAngle": angles.tolist()}})
    given = read_coordinates(tmp_path / "m.star", 1.0)["m"].flipped(100)
    flipped = np.array(EveryColumn().of(given, 100)["rlnDefocusAngle"])

    def defocus(angle, x, y):
        """Along a direction of the image, as RELION has it: 2 um along the angle, 1 um across."""
        along = x * np.cos(np.deg2rad(angle)) + y * np.sin(np.deg2rad(angle))
        return 1.0 + along**2 / (x**2 + y**2)

    for x, y in ((1, 0), (0, 1), (2, 1), (-1, 3)):
        np.testing.assert_allclose(defocus(flipped, x, -y), defocus(angles, x, y))


def test_text_in_a_column_that_is_flipped(tmp_path):
    write_star(tmp_path / "m.star", {"": {**XY, "rlnAngleTilt": ["flat", "flat"]}})
    given = read_coordinates(tmp_path / "m.star", 1.0)["m"].flipped(100)
    with pytest.raises(
        InputError, match=r"a number in column rlnAngleTilt .*, got 'flat' in row 1"
    ):
        EveryColumn().of(given, 100)
