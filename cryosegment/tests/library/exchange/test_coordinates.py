# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import starfile
from scipy.spatial import cKDTree

from cryosegment.exchange.coordinates import (
    JOINT,
    WRITTEN,
    Coordinates,
    Picked,
    read_coordinates,
    read_tolerantly,
    write_coordinates,
    write_coordinates_star,
)
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import LabelEntry, LabelsIndex, write_labels_index
from cryosegment.exchange.pick_folder import COORDINATES, PickFolder


@pytest.fixture
def coordinates():
    return Coordinates(
        [[10.0, 20.5], [30.25, 4.0], [0.0, 0.0]],
        2.0,
        "mic",
        scores=[0.9, 0.1, 0.5],
        diameters=[100.0, np.nan, 120.0],
        short_diameters=[np.nan, np.nan, 60.0],
        angles=[0.0, -30.0, 90.0],
    )


def assert_same(ours, expected, tolerance=1e-3):
    np.testing.assert_allclose(ours.centers_yx, expected.centers_yx, atol=tolerance)
    np.testing.assert_allclose(ours.scores, expected.scores, atol=1e-6)
    np.testing.assert_allclose(ours.diameters, expected.diameters, atol=tolerance * 2)
    assert (ours.name, ours.pixel_size) == (expected.name, expected.pixel_size)


def test_left_out_scores_and_diameters_are_unknown():
    made = Coordinates(np.zeros((2, 2)), 1.0, "a")
    assert np.isnan(made.scores).all()
    assert np.isnan(made.diameters).all()
    assert made.ranking.tolist() == [1.0, 1.0]
    assert Coordinates(np.zeros((2, 2)), 1.0, "a", [np.nan, 0.5]).ranking.tolist() == [1.0, 0.5]
    assert len(Coordinates(np.zeros((0, 2)), 1.0, "a")) == 0


def test_at_pixel_size_keeps_places_in_angstrom(coordinates):
    half = coordinates.at_pixel_size(4.0)
    np.testing.assert_allclose(half.centers_yx * 4.0, coordinates.centers_yx * 2.0)
    np.testing.assert_array_equal(half.diameters, coordinates.diameters)


def test_select_by_mask_and_by_index(coordinates):
    assert coordinates.select([True, False, True]).scores.tolist() == [0.9, 0.5]
    assert coordinates.select([2, 0]).centers_yx.tolist() == [[0.0, 0.0], [10.0, 20.5]]
    assert len(coordinates.select([])) == 0
    some = coordinates.select([2, 1])
    assert (some.rows.tolist(), some.angles.tolist()) == ([3, 2], [90.0, -30.0])


def test_flipping_maps_the_first_row_to_the_last(coordinates):
    assert coordinates.flipped(41).centers_yx[:, 0].tolist() == [30.0, 9.75, 40.0]
    assert coordinates.flipped(41).flipped(41).centers_yx.tolist() == [
        [10.0, 20.5],
        [30.25, 4.0],
        [0.0, 0.0],
    ]
    assert coordinates.flipped(41).angles.tolist() == [0.0, 30.0, -90.0]


def test_the_array_given_is_not_shared():
    centers = np.zeros((1, 2))
    made = Coordinates(centers, 1.0, "a")
    centers += 5
    assert made.centers_yx.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pixel_size": 0.0}, "pixel size"),
        ({"pixel_size": float("nan")}, "pixel size"),
        ({"scores": [1.0, 2.0]}, "expected scores of 1 centres, got 2"),
        ({"scores": [np.inf]}, "not a number"),
        ({"centers_yx": [[np.inf, 0.0]]}, "not a number"),
    ],
)
def test_values_that_cannot_be(changes, message):
    values = {"centers_yx": [[1.0, 1.0]], "pixel_size": 1.0, "name": "a", **changes}
    with pytest.raises(InputError, match=message):
        Coordinates(**values)


def test_star_round_trip(tmp_path, coordinates):
    write_coordinates(tmp_path / "mic.star", coordinates)
    found = read_coordinates(tmp_path / "mic.star", 2.0)["mic"]
    assert_same(found, coordinates)
    np.testing.assert_array_equal(found.short_diameters, coordinates.short_diameters)
    np.testing.assert_array_equal(found.angles, coordinates.angles)
    table = starfile.read(tmp_path / "mic.star")
    assert table["rlnCoordinateX"].tolist() == [20.5, 4.0, 0.0]
    assert table["rlnCoordinateY"].tolist() == [10.0, 30.25, 0.0]
    assert table["rlnClassNumber"].tolist() == [0, 0, 0]


def test_a_star_of_many_micrographs_round_trip(tmp_path, coordinates):
    other = Coordinates([[7.0, 8.0]], 2.0, "other", scores=[0.25])
    path = tmp_path / "coordinates.star"
    write_coordinates_star(path, [("a/mic.mrc", coordinates), ("a/other.mrc", other)])
    found = read_coordinates(path, 2.0)
    assert list(found) == ["mic", "other"]
    assert_same(found["mic"], coordinates)
    assert_same(found["other"], other)
    assert found["other"].rows.tolist() == [4]


def write_as(kind, folder, coordinates):
    """The file of one format, named after the micrograph where it holds that alone."""
    if kind in JOINT:
        path = folder / JOINT[kind].file
        own = PickFolder(folder).file(COORDINATES, coordinates.name)
        write_coordinates(own, coordinates)
        picked = Picked(coordinates, f"Movies/{coordinates.name}.mrc", (64, 48), own)
        JOINT[kind].write(path, [picked])
    else:
        path = PickFolder(folder).file(kind, coordinates.name)
        WRITTEN[kind].write(path, coordinates, 51.0)
    return path


@pytest.mark.parametrize("kind", [*WRITTEN, *JOINT])
def test_every_format_that_is_written_is_read(tmp_path, kind, coordinates):
    """With the centres, and what it says that it keeps; the rest is unknown."""
    written = {**WRITTEN, **JOINT}[kind]
    found = read_coordinates(write_as(kind, tmp_path, coordinates), 2.0)["mic"]
    is_whole = getattr(written, "is_whole", False)
    expected = np.rint(coordinates.centers_yx) if is_whole else coordinates.centers_yx
    np.testing.assert_allclose(found.centers_yx, expected, atol=1e-3)
    for name in ("scores", "diameters"):
        values = getattr(coordinates, name) if name in written.keeps else np.full(3, np.nan)
        np.testing.assert_allclose(getattr(found, name), values, atol=2e-3)
    folder = tmp_path / kind if kind in WRITTEN else tmp_path
    assert list(read_coordinates(folder, 2.0)) == ["mic"]


@pytest.mark.parametrize("kind", ["star", *WRITTEN, *JOINT])
def test_no_particles_round_trip(tmp_path, kind):
    none = Coordinates(np.zeros((0, 2)), 2.0, "mic")
    path = tmp_path / "mic.star"
    if kind == "star":
        write_coordinates(path, none)
    else:
        path = write_as(kind, tmp_path, none)
    assert sum(map(len, read_coordinates(path, 2.0).values())) == 0


UNSCORED = {
    "box": "5 5 10 10\n15 5 10 10\n",
    "coord": "10 10\n20 10\n",
    "csv": "x,y\n10,10\n20,10\n",
    "star": "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n10 10\n20 10\n",
    "cbox": "data_cryolo\nloop_\n_CoordinateX\n_CoordinateY\n_Width\n_Height\n_Confidence\n"
    "5 5 10 10 <NA>\n15 5 10 10 <NA>\n",
}


@pytest.mark.parametrize("suffix", UNSCORED)
def test_scores_that_a_file_does_not_give_are_unknown(tmp_path, suffix):
    """They stay so when the particles are written and read again."""
    (tmp_path / f"mic.{suffix}").write_text(UNSCORED[suffix])
    found = read_coordinates(tmp_path / f"mic.{suffix}", 2.0)["mic"]
    assert found.centers_yx.tolist() == [[10, 10], [10, 20]]
    assert np.isnan(found.scores).all()
    write_coordinates(tmp_path / "out" / "mic.star", found)
    written = [write_as(kind, tmp_path, found) for kind in ("csv", "cbox", "eman2", "json")]
    for path in (tmp_path / "out" / "mic.star", *written):
        assert_same(read_coordinates(path, 2.0)["mic"], found)


@pytest.mark.parametrize("name", ["2d_left", "2d_center", "2d_center_float"])
def test_box_files_of_another_program(shared_data, name):
    (found,) = read_coordinates(shared_data / "format_examples" / f"{name}.box", 1.0).values()
    expected_xy = {
        "2d_left": [[24, 40], [36, 62], [78, 51]],
        "2d_center": [[24, 40], [36, 62], [78, 51]],
        "2d_center_float": [[24.3, 40.7], [36.2, 62.1], [78.9, 51.4]],
    }[name]
    np.testing.assert_allclose(found.centers_yx[:, ::-1], expected_xy)


def test_cbox_file_of_cryolo(shared_data):
    path = shared_data / "format_examples" / "TcdA1-0019_frames_sum.cbox"
    found = read_coordinates(path, 1.14)["TcdA1-0019_frames_sum"]
    # first row: corner 1069.0967, 3868.8425; box 220; estimated width 224; confidence 0.809
    np.testing.assert_allclose(
        found.centers_yx[0], [3868.842498779297 + 110, 1069.0966796875 + 110]
    )
    assert found.scores[0] == pytest.approx(0.8090754151344299)
    assert found.diameters[0] == pytest.approx(224 * 1.14)


XMIPP_POS = """# XMIPP_STAR_1 *
#
data_header
loop_
 _pickingMicrographState
Supervised
data_particles
loop_
 _xcoor
 _ycoor
      120       340
      560       780
data_particles_auto
loop_
 _cost
 _enabled
 _xcoor
 _ycoor
  0.750000          1        10        20
  0.250000         -1        30        40
  0.500000          1        50        60
"""


def test_pos_files_of_xmipp(tmp_path):
    """By hand first, then automatic ones but those that were deleted."""
    (tmp_path / "mic.pos").write_text(XMIPP_POS)
    found = read_coordinates(tmp_path / "mic.pos", 2.0)["mic"]
    assert found.centers_yx[:, ::-1].tolist() == [[120, 340], [560, 780], [10, 20], [50, 60]]
    assert found.scores.tolist() == [1.0, 1.0, 0.75, 0.5]
    assert found.rows.tolist() == [1, 2, 3, 5]
    (tmp_path / "empty.pos").write_text("data_header\nloop_\n _pickingMicrographState\nAvailable\n")
    assert len(read_coordinates(tmp_path / "empty.pos", 2.0)["empty"]) == 0


@pytest.mark.parametrize("text", ["1 2\n3.5 4\n", "x y density\n1, 2, 9\n\n3.5\t4 9 # seen\n"])
def test_coord_files_are_x_and_y(tmp_path, text):
    (tmp_path / "mic.coord").write_text(text)
    found = read_coordinates(tmp_path / "mic.coord", 2.0)["mic"]
    assert found.centers_yx[:, ::-1].tolist() == [[1.0, 2.0], [3.5, 4.0]]


def test_csv_keeps_dots_in_the_name(tmp_path, coordinates):
    path = write_as("csv", tmp_path, coordinates.renamed("m.frames.aligned"))
    assert set(read_coordinates(path, 2.0)) == {"m.frames.aligned"}


def test_cryoppp_csv(tmp_path):
    path = tmp_path / "Falcon_1.csv"
    path.write_text(
        "Micrographs Filename,X-Coordinate,Y-Coordinate,Class Name,Diameter\n"
        "Falcon_1.mrc,3752.0,693.0,beta,108\nFalcon_1.mrc,3474.0,182.0,beta,108\n"
    )
    found = read_coordinates(path, 1.77)["Falcon_1"]
    assert found.centers_yx.tolist() == [[693.0, 3752.0], [182.0, 3474.0]]
    assert found.diameters == pytest.approx(108 * 1.77)


TOPAZ = "image_name\tx_coord\ty_coord\tscore\nmic\t30\t20\t1.5\nb.aligned\t90\t60\t-2.25\n"


def test_topaz_tables(tmp_path):
    """The scores are log-likelihood ratios; other text files of a folder are none of its picks."""
    (tmp_path / "picks.txt").write_text(TOPAZ)
    (tmp_path / "README.txt").write_text("x and y\nof particles\n")
    for path in (tmp_path / "picks.txt", tmp_path):
        found = read_coordinates(path, 2.0)
        assert list(found) == ["mic", "b.aligned"]
        assert found["mic"].centers_yx.tolist() == [[20, 30]]
        assert found["b.aligned"].scores.tolist() == [-2.25]


def test_a_labels_folder_stands_for_its_coordinates(tmp_path, coordinates):
    """Those that its index names, and not its tables."""
    for name in ("mic", "left_out"):
        write_coordinates(tmp_path / "labels" / "coordinates" / f"{name}.star", coordinates)
    (tmp_path / "labels" / "report.csv").write_text("micrograph,particles\nmic,3\n")
    star = tmp_path / "labels" / "coordinates" / "mic.star"
    entry = LabelEntry("mic", star, star, star, star, 2.0, (64, 64), 100.0)
    write_labels_index(tmp_path / "labels", LabelsIndex((entry,), "coordinates"))
    found = read_coordinates(tmp_path / "labels", 2.0)
    assert list(found) == ["mic"]
    assert_same(found["mic"], coordinates)


def test_the_output_of_picking_stands_for_its_coordinates(tmp_path, coordinates):
    """Its tables are none, and other formats hold the same."""
    write_coordinates_star(tmp_path / "coordinates.star", [("mic.mrc", coordinates)])
    (tmp_path / "micrographs.csv").write_text("micrograph,picks\nmic,3\n")
    write_as("cs", tmp_path, coordinates.renamed("mic"))
    assert_same(read_coordinates(tmp_path, 2.0)["mic"], coordinates)


def test_poses_that_count_y_from_the_last_row_agree_with_the_expert_picks(shared_data):
    """They are the picks minus the origin offsets."""
    folder = shared_data / "empiar10017"
    expert = read_coordinates(folder / "coordinates", 1.77)
    poses = read_coordinates(folder / "poses_relion31.star", 1.77, height=4096, y_up=True)
    assert set(expert) == set(poses)
    assert sum(map(len, expert.values())) == 9075
    table = starfile.read(folder / "poses_relion31.star")["particles"]
    offsets_xy = table[["rlnOriginXAngst", "rlnOriginYAngst"]].to_numpy() / 1.77
    for name, coordinates in expert.items():
        x, y = offsets_xy[poses[name].rows - 1].T
        picked_yx = poses[name].centers_yx + np.stack([-y, x], axis=1)
        distances, _ = cKDTree(coordinates.centers_yx).query(picked_yx)
        assert distances.max() < 1e-6


def test_flipping_by_the_height_of_each_micrograph(tmp_path):
    write_coordinates_star(
        tmp_path / "a.star",
        [(f"{n}.mrc", Coordinates([[1.0, 2.0]], 1.0, n)) for n in ("a", "b")],
    )
    found = read_coordinates(tmp_path / "a.star", 1.0, height={"a": 10, "b": 20}, y_up=True)
    assert [found[n].centers_yx[0, 0] for n in "ab"] == [8.0, 18.0]
    with pytest.raises(InputError, match="height of micrograph b"):
        read_coordinates(tmp_path / "a.star", 1.0, height={"a": 10}, y_up=True)


def test_endings_of_pickers_are_dropped_and_hidden_files_skipped(tmp_path, coordinates):
    write_coordinates(tmp_path / "mic_autopick.star", coordinates)
    (tmp_path / ".12345678.mic2.star").write_text("half")
    assert list(read_coordinates(tmp_path, 2.0)) == ["mic"]


def test_two_files_for_one_micrograph_are_refused(tmp_path, coordinates):
    write_coordinates(tmp_path / "mic.star", coordinates)
    write_as("csv", tmp_path, coordinates).rename(tmp_path / "mic.csv")
    with pytest.raises(InputError, match=r"micrograph mic, the second is mic\.star"):
        read_coordinates(tmp_path, 2.0)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.star", "data_\nloop_\n_rlnVoltage #1\n300\n", "rlnCoordinateX and rlnCoordinateY"),
        (
            "a.star",
            "data_\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n1 nan\n",
            "expected a number in column rlnCoordinateY .* got nan in row 1",
        ),
        ("a.star", "data_\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n1 x\n", "got 'x'"),
        ("a.star", "data_\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n1 inf\n", "got inf in"),
        ("a.box", "1 2\n", "x, y, width, height in line 1"),
        ("a.box", "1 2 a 3\n", "got 'a'"),
        ("a.coord", "1\n", "expected x, y in line 1"),
        ("a.coord", "1 2\nx y\n", "got 'x'"),
        ("a.pos", "data_x\n_a 1\n", "expected data_particles"),
        ("a.pos", "data_particles\nloop_\n_xcoor\n1\n", "column ycoor"),
        ("a.cbox", "data_x\n_a 1\n", "CoordinateY"),
        ("a.csv", "p,q\n1,2\n", "X-Coordinate"),
        ("a.csv", "", "X-Coordinate"),
        ("a.csv", "x,y\n1\n", "expected 2 values"),
        ("a.picks.json", "[]", "expected a micrograph and its particles"),
        ("a.picks.json", '{"micrograph": "a", "particles": [1]}', "and its particles"),
        ("a.picks.json", '{"micrograph": "a", "particles": [{"x": 1}]}', "number as y .* got None"),
        ("a.picks.json", '{"micrograph": "a", "particles": [{"x": true}]}', "as x .* got True"),
        ("a.dat", "1 2", "expected coordinates as"),
        ("a.txt", "1 2", "expected a table of Topaz, with x_coord and y_coord"),
    ],
)
def test_a_broken_file_says_what_is_wrong(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_coordinates(tmp_path / name, 1.0)


def test_missing_files_and_empty_folders(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_coordinates(tmp_path / "no.star", 1.0)
    with pytest.raises(InputError, match="no coordinate file"):
        read_coordinates(tmp_path, 1.0)


def test_a_damaged_file_of_a_folder_is_named_and_the_rest_is_read(tmp_path, coordinates):
    (tmp_path / "bad_autopick.star").write_text("data_\nloop_\n_rlnCoordinateX #1\n1\n")
    (tmp_path / "text.csv").write_bytes(b"\0\1\2")
    with pytest.raises(InputError) as none_good:
        read_tolerantly(tmp_path, 2.0)
    write_coordinates(tmp_path / "mic.star", coordinates)
    found, failures = read_tolerantly(tmp_path, 2.0)
    assert_same(found["mic"], coordinates)
    assert list(found) == ["mic"]
    assert set(failures) == {"bad", "text"}
    assert str(failures["bad"]) == str(none_good.value)
    with pytest.raises(InputError, match="rlnCoordinateY"):
        read_coordinates(tmp_path, 2.0)
