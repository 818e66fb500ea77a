# SPDX-License-Identifier: GPL-3.0-or-later
import csv
import dataclasses
import json

import cv2
import mrcfile
import numpy as np
import pytest
import tifffile
from skimage.measure import regionprops

from cryosegment.cli.labelling import run_labels_coordinates
from cryosegment.cli.main import main
from cryosegment.core.images.reading import MIRRORED
from cryosegment.exchange.coordinates import Coordinates, read_coordinates, write_coordinates
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import PICKED, PICKS, read_labels_index
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.params import LabelsCoordinatesParams
from cryosegment.exchange.progress import no_progress


@pytest.fixture
def folder(tmp_path):
    """Micrographs a and b of 2 Å/px and the coordinates of two particles on each."""
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        image = random.normal(size=(96, 128)).astype(np.float32)
        mrcfile.write(tmp_path / f"{name}.mrc", image, voxel_size=2.0)
        picks = Coordinates([[20, 30], [60, 90]], 2.0, name)
        write_coordinates(tmp_path / "coordinates" / f"{name}.star", picks)
    return tmp_path


def label(folder, *more, names=("a", "b")):
    micrographs = [str(folder / f"{name}.mrc") for name in names]
    coordinates = ["--coordinates", str(folder / "coordinates")]
    output = ["--output", str(folder / "labels")]
    return main(["labels", "coordinates", *micrographs, *coordinates, *output, *more])


def test_discs_at_the_micrographs_pixel_size(folder):
    assert label(folder, "--diameter", "40") == 0
    index = read_labels_index(folder / "labels")
    assert [entry.name for entry in index.entries] == ["a", "b"]
    entry = index.entries[0]
    assert (entry.pixel_size, entry.shape, entry.diameter) == (2.0, (96, 128), 40.0)
    with mrcfile.open(entry.instances) as file:
        assert (file.data.dtype, file.data.shape) == (np.int16, (96, 128))
        assert file.voxel_size.x == 2.0
        assert [file.data[20, 30], file.data[60, 90], file.data[0, 0]] == [1, 2, 0]
    classes = mrcfile.read(entry.classes)
    # 40 Å are 20 px: particle up to 10 px from the centre, unknown up to 12, background beyond
    assert [classes[20, 30 + x] for x in (10, 11, 12, 13)] == [3, -1, -1, 0]
    # the outermost 10 Å are 5 px
    assert [classes[20, 30 + x] for x in (0, 4, 5)] == [1, 1, 3]
    assert len(read_coordinates(entry.coordinates, 2.0)["a"]) == 2


def test_coordinates_that_count_y_from_the_last_row(folder):
    assert label(folder, "--diameter", "40", "--y-up") == 0
    instances = mrcfile.read(folder / "labels" / "instances" / "a.mrc")
    assert [instances[95 - 20, 30], instances[95 - 60, 90]] == [1, 2]


def test_coordinates_on_tiff_count_rows_as_relion_does(folder, capsys):
    """Dark discs where RELION sees them, on an image whose last row comes first in the file."""
    y, x = np.mgrid[:96, :128]
    image = mrcfile.read(folder / "a.mrc").copy()
    for row, column in ((20, 30), (60, 90)):
        image[(y - row) ** 2 + (x - column) ** 2 < 100] -= 3
    for name in ("a", "b"):
        tifffile.imwrite(folder / f"{name}.tif", image[::-1])
    options = ["--coordinates", str(folder / "coordinates"), "--output", str(folder / "labels")]
    micrographs = [str(folder / "a.tif"), str(folder / "b.tif")]
    options += ["--diameter", "40", "--pixel-size", "2"]
    assert main(["labels", "coordinates", *micrographs, *options]) == 0
    instances = mrcfile.read(folder / "labels" / "instances" / "a.mrc")
    assert [instances[20, 30], instances[60, 90]] == [1, 2]
    with (folder / "labels" / "report.csv").open() as file:
        assert all(float(row["contrast"]) < -2 for row in csv.DictReader(file))
    assert capsys.readouterr().out.count(MIRRORED) == 1


def test_a_micrograph_without_coordinates_is_listed_and_the_rest_go_on(folder, capsys):
    (folder / "coordinates" / "b.star").unlink()
    assert label(folder, "--diameter", "40") == 3
    assert "no particles of micrograph b" in read_failures(folder / "labels")["b"]
    assert "1 of 2 micrographs failed" in capsys.readouterr().err
    assert [entry.name for entry in read_labels_index(folder / "labels").entries] == ["a"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--diameter", "40", "--pixel-size", "0.1"], "400 px long, but micrograph a has 96 x 128"),
        (["--diameter", "500"], "250 px long"),
    ],
)
def test_a_diameter_beyond_the_image(folder, more, message, capsys):
    assert label(folder, *more) == 1
    assert message in capsys.readouterr().err


def test_coordinates_of_another_scale(folder, capsys):
    write_coordinates(folder / "coordinates" / "a.star", Coordinates([[200, 30]], 2.0, "a"))
    assert label(folder, "--diameter", "40", names=["a"]) == 1
    assert "outside the micrograph" in capsys.readouterr().err


def test_no_particle_gets_lost(folder, capsys):
    """Those outside, given twice, and on other micrographs are named with their reason."""
    picks = Coordinates([[20, 30], [21, 30], [60, 90], [200, 30]], 2.0, "a")
    write_coordinates(folder / "coordinates" / "a.star", picks)
    assert label(folder, "--diameter", "40", names=["a"]) == 0
    with (folder / "labels" / "rejected.csv").open(newline="") as stream:
        rows = [(r["micrograph"], r["row"], r["reason"]) for r in csv.DictReader(stream)]
    assert rows == [
        ("a", "2", "duplicate"),
        ("a", "4", "outside the micrograph"),
        ("b", "1", "micrograph not given"),
        ("b", "2", "micrograph not given"),
    ]
    summary = json.loads((folder / "labels" / "report.json").read_text())
    assert summary["labelled"] == 2
    assert summary["rejected"]["micrograph not given"] == 2
    output = capsys.readouterr().out
    assert "2 particles labelled; rejected: 2 micrograph not given" in output
    assert "1 of 4 particles lie outside their micrograph" in output
    found = read_coordinates(folder / "labels" / "coordinates" / "a.star", 2.0)["a"]
    assert found.centers_yx.tolist() == [[20, 30], [60, 90]]


@pytest.mark.parametrize(
    ("more", "source"), [({}, "coordinates"), ({"scores": [0.9, 0.8]}, PICKED)]
)
def test_coordinates_of_a_picker_are_told_by_their_scores(folder, more, source):
    picks = Coordinates([[20, 30], [60, 90]], 2.0, "a", **more)
    write_coordinates(folder / "coordinates" / "a.star", picks)
    assert label(folder, "--diameter", "40", names=["a"]) == 0
    assert read_labels_index(folder / "labels").source == source


def test_doubtful_picks_become_unknown(folder):
    """And the labels are known for what they are: no measure of a model."""
    picks = Coordinates([[20, 30], [60, 90]], 2.0, "a", scores=[0.39, 0.4])
    write_coordinates(folder / "coordinates" / "a.star", picks)
    assert label(folder, "--diameter", "40", "--min-score", "0.4", names=["a"]) == 0
    index = read_labels_index(folder / "labels")
    assert index.source == PICKS
    instances, classes = (
        mrcfile.read(path) for path in (index.entries[0].instances, index.entries[0].classes)
    )
    assert (instances[60, 90], classes[60, 90]) == (1, 1)
    assert (instances[20, 30], classes[20, 30], classes[20, 39]) == (0, -1, -1)
    assert classes[20, 42] == 0
    found = read_coordinates(index.entries[0].coordinates, 2.0)["a"]
    assert found.centers_yx.tolist() == [[60, 90]]


def test_a_smallest_score_needs_scores(folder, capsys):
    """A pick that nobody has scored is no sure particle."""
    assert label(folder, "--diameter", "40", "--min-score", "0.4") == 1
    message = capsys.readouterr().err
    assert "expected scores of at least 0.4, but the particles of micrograph a in" in message
    assert "leave out --min-score" in message
    picks = Coordinates([[20, 30], [60, 90]], 2.0, "a", scores=[np.nan, 0.4])
    write_coordinates(folder / "coordinates" / "a.star", picks)
    assert label(folder, "--diameter", "40", "--min-score", "0.4", names=["a"]) == 0
    classes = mrcfile.read(folder / "labels" / "classes" / "a.mrc")
    assert (classes[20, 30], classes[60, 90]) == (-1, 1)


def test_scores_that_are_all_too_low_are_told(folder, capsys):
    """With the highest of them; one particle outside does not change what there is to do."""
    picks = Coordinates([[20, 30], [60, 90], [500, 9]], 2.0, "a", scores=[0.3, 0.45, 0.2])
    write_coordinates(folder / "coordinates" / "a.star", picks)
    assert label(folder, "--diameter", "40", "--min-score", "0.9", names=["a"]) == 1
    message = capsys.readouterr().err
    assert "none of 3 particles of micrograph a" in message
    assert "the highest score is 0.45: lower --min-score" in message
    assert "pixel size" not in message


def test_a_micrograph_that_is_not_there(folder, capsys):
    assert label(folder, "--diameter", "40", names=["nosuch"]) == 1
    assert "nosuch.mrc does not exist" in capsys.readouterr().err


def test_particles_have_the_diameter_of_the_file(folder, capsys):
    """In px in CryoPPP's files, whatever the pixel size is that the micrographs' headers say."""
    for path in (folder / "coordinates").iterdir():
        path.unlink()
    (folder / "picks.csv").write_text(
        "Micrographs Filename,X-Coordinate,Y-Coordinate,Diameter\na.mrc,30,20,30\na.mrc,90,60,\n"
    )
    arguments = ["--coordinates", str(folder / "picks.csv"), "--diameter", "40"]
    assert label(folder, *arguments, names=["a"]) == 0
    instances = mrcfile.read(folder / "labels" / "instances" / "a.mrc")
    areas = np.bincount(instances.ravel())[1:]
    assert areas.tolist() == pytest.approx([np.pi * 15**2, np.pi * 10**2], rel=0.03)
    assert "1 of 2 particles have the file's own diameter" in capsys.readouterr().out


def test_diameters_of_the_file_that_cannot_be_are_not_drawn(folder, capsys):
    """Specks of a third of the diameter, giants of three times; the file may count px."""
    (folder / "picks.csv").write_text(
        "micrograph,x,y,diameter\na.mrc,30,20,6\na.mrc,90,60,7\na.mrc,30,70,61\n"
    )
    arguments = ["--coordinates", str(folder / "picks.csv"), "--diameter", "40"]
    assert label(folder, *arguments, names=["a"]) == 0
    instances = mrcfile.read(folder / "labels" / "instances" / "a.mrc")
    areas = np.bincount(instances.ravel())[1:]
    disc = np.pi * 10**2
    assert areas.tolist() == pytest.approx([disc, np.pi * 3.5**2, disc], rel=0.06)
    notes = json.loads((folder / "labels" / "report.json").read_text())["notes"]
    expected = "2 particles have diameters in the file that are less than a third of 40 Å or more"
    assert any(note.startswith(expected) for note in notes)
    assert expected in capsys.readouterr().out


def test_a_micrograph_that_fails_leaves_nothing(folder):
    assert label(folder, "--diameter", "5") == 1
    assert sorted(path.name for path in (folder / "labels").iterdir()) == [
        "failures.csv",
        "job.json",
        "rejected.csv",
        "report.json",
    ]


def psi_star(path, angles):
    """Two particles on micrograph a with in-plane angles, as RELION's autopicking writes them."""
    rows = [f"30 40 {angles[0]}", f"90 60 {angles[1]}"]
    names = ["_rlnCoordinateX #1", "_rlnCoordinateY #2", "_rlnAnglePsi #3"]
    path.write_text("\n".join(["data_", "", "loop_", *names, *rows, ""]))
    return ["--coordinates", str(path)]


def lies_along(instances, number):
    """Direction of an instance's longest axis in degrees, 0 to 180, against the clock."""
    (found,) = regionprops((instances == number).astype(np.uint8))
    return np.rad2deg(found.orientation) % 180 - 90, found


def test_ellipses_lie_along_the_angles_of_the_file(folder, capsys):
    arguments = psi_star(folder / "a_autopick.star", (0, 60))
    assert label(folder, *arguments, "--diameter", "60", "--ellipse", "24", names=["a"]) == 0
    instances = mrcfile.read(folder / "labels" / "instances" / "a.mrc")
    for number, (angle, center) in enumerate(((0, (40, 30)), (60, (60, 90))), start=1):
        direction, found = lies_along(instances, number)
        assert (direction - angle + 90) % 180 - 90 == pytest.approx(0, abs=1)
        assert found.major_axis_length == pytest.approx(30, abs=0.6)
        assert found.minor_axis_length == pytest.approx(12, abs=0.6)
        assert found.centroid == pytest.approx(center, abs=0.1)
    own = read_coordinates(folder / "labels" / "coordinates" / "a.star", 2.0)["a"]
    assert own.short_diameters.tolist() == [24.0, 24.0]
    assert own.angles.tolist() == [0.0, 60.0]
    assert "angle" not in capsys.readouterr().out
    path = folder / "a_autopick.star"
    path.write_text(path.read_text().replace("_rlnAnglePsi", "_rlnVoltage"))
    assert label(folder, *arguments, "--diameter", "60", "--ellipse", "24", names=["a"]) == 0
    assert "2 of 2 particles have no angle" in capsys.readouterr().out


def test_ellipses_in_a_frame_that_counts_y_from_the_last_row(folder):
    arguments = [*psi_star(folder / "a.star", (30, 60)), "--diameter", "60", "--ellipse", "24"]
    assert label(folder, *arguments, "--y-up", names=["a"]) == 0
    instances = mrcfile.read(folder / "labels" / "instances" / "a.mrc")
    direction, found = lies_along(instances, 1)
    assert (direction + 30 + 90) % 180 - 90 == pytest.approx(0, abs=1)
    assert found.centroid == pytest.approx((95 - 40, 30), abs=0.1)


def test_particles_with_the_silhouette_of_a_template(folder):
    """A bar with a bit at its right end, which points upwards at 90 degrees."""
    template = np.zeros((40, 40), np.uint8)
    template[18:23, 5:36] = 255
    template[12:29, 31:36] = 255
    cv2.imwrite(str(folder / "template.png"), template)
    arguments = psi_star(folder / "a.star", (0, 90))
    more = ["--diameter", "64", "--template", str(folder / "template.png")]
    assert label(folder, *arguments, *more, names=["a"]) == 0
    instances = mrcfile.read(folder / "labels" / "instances" / "a.mrc")
    for number, axis, sign in ((1, 1, 1), (2, 0, -1)):
        points = np.argwhere(instances == number) - ((40, 30), (60, 90))[number - 1]
        assert np.ptp(points[:, axis]) == pytest.approx(30, abs=2)
        assert np.ptp(points[:, 1 - axis]) == pytest.approx(16, abs=2)
        assert sign * points[:, axis].mean() > 2  # towards the bit


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--ellipse", "50"], "at most the diameter, 40"),
        (["--ellipse", "20", "--template", "t.png"], "leave one out"),
        (["--template", "nowhere.png"], "nowhere.png does not exist"),
    ],
)
def test_shapes_that_cannot_be(folder, more, message, capsys):
    assert label(folder, "--diameter", "40", *more) == 1
    assert message in capsys.readouterr().err


def test_names_of_cryosparc_and_two_files_for_one_micrograph(folder, capsys):
    path = folder / "coordinates" / "a.star"
    path.rename(path.with_name("12345_a.star"))
    assert label(folder, "--diameter", "40") == 0
    assert (folder / "labels" / "instances" / "a.mrc").exists()
    write_coordinates(path, Coordinates([[20, 30]], 2.0, "a"))
    assert label(folder, "--diameter", "40") == 1
    assert "given twice" in capsys.readouterr().err


def test_a_micrograph_without_particles_is_all_background(folder):
    write_coordinates(folder / "coordinates" / "a.star", Coordinates(np.empty((0, 2)), 2.0, "a"))
    assert label(folder, "--diameter", "40") == 0
    assert not mrcfile.read(folder / "labels" / "classes" / "a.mrc").any()


def test_resume_keeps_what_is_finished(folder):
    label(folder, "--diameter", "40")
    path = folder / "labels" / "instances" / "a.mrc"
    before = path.stat().st_mtime_ns
    assert label(folder, "--diameter", "40", "--resume") == 0
    assert path.stat().st_mtime_ns == before


def test_an_interrupted_run_with_another_diameter_and_its_resumption_do_not_mix(folder):
    def stop(done, total, text):
        raise KeyboardInterrupt

    names = ("a", "b")
    inputs = tuple(str(folder / f"{name}.mrc") for name in names)
    job = Job("labels coordinates", {}, inputs, str(folder / "labels"), names)
    params = LabelsCoordinatesParams(str(folder / "coordinates"), diameter=60.0)
    assert label(folder, "--diameter", "40") == 0
    with pytest.raises(KeyboardInterrupt):
        run_labels_coordinates(job, params, stop)
    run_labels_coordinates(job, dataclasses.replace(params, resume=True), no_progress)
    for entry in read_labels_index(folder / "labels").entries:
        assert entry.diameter == 60.0
        width = np.ptp(np.nonzero(mrcfile.read(entry.instances) == 1)[1])
        assert width == pytest.approx(30, abs=1)  # 60 Å


def test_resume_goes_on_with_more_micrographs(folder, capsys):
    assert label(folder, "--diameter", "40", names=["a"]) == 0
    assert label(folder, "--diameter", "40", names=["b"]) == 1
    assert "holds results of 1 other micrographs, such as a" in capsys.readouterr().err
    assert label(folder, "--diameter", "40", "--resume", names=["b"]) == 0
    index = read_labels_index(folder / "labels")
    assert [entry.name for entry in index.entries] == ["a", "b"]


def test_resume_with_another_diameter_is_refused(folder, capsys):
    label(folder, "--diameter", "40")
    assert label(folder, "--diameter", "50", "--resume") == 1
    assert "--diameter was 40.0 there and is 50.0 now" in capsys.readouterr().err
