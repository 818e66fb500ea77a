# SPDX-License-Identifier: GPL-3.0-or-later
import mrcfile
import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.exchange.coordinates import Coordinates, read_coordinates, write_coordinates
from cryosegment.exchange.files import read_failures
from cryosegment.exchange.labels import read_labels_index


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
    assert [classes[20, 30 + x] for x in (10, 11, 12, 13)] == [1, -1, -1, 0]
    assert len(read_coordinates(entry.coordinates, 2.0)["a"]) == 2


def test_coordinates_that_count_y_from_the_last_row(folder):
    assert label(folder, "--diameter", "40", "--y-up") == 0
    instances = mrcfile.read(folder / "labels" / "instances" / "a.mrc")
    assert [instances[95 - 20, 30], instances[95 - 60, 90]] == [1, 2]


def test_a_micrograph_without_coordinates_is_listed_and_the_rest_go_on(folder, capsys):
    (folder / "coordinates" / "b.star").unlink()
    assert label(folder, "--diameter", "40") == 0
    assert "no coordinates of micrograph b" in read_failures(folder / "labels")["b"]
    assert "1 of 2 micrographs failed" in capsys.readouterr().err
    assert [entry.name for entry in read_labels_index(folder / "labels").entries] == ["a"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--diameter", "40", "--pixel-size", "0.1"], "diameter is 400 px, .* 96 x 128"),
        (["--diameter", "500"], "diameter is 250 px"),
    ],
)
def test_a_diameter_beyond_the_image(folder, more, message, capsys):
    assert label(folder, *more) == 1
    assert "check --diameter and --pixel-size" in capsys.readouterr().err


def test_coordinates_of_another_scale(folder, capsys):
    far = Coordinates([[200, 30]], 2.0, "a")
    write_coordinates(folder / "coordinates" / "a.star", far)
    assert label(folder, "--diameter", "40", names=["a"]) == 1
    assert "1 particles lie outside micrograph a" in capsys.readouterr().err


def test_resume_keeps_what_is_finished(folder):
    label(folder, "--diameter", "40")
    path = folder / "labels" / "instances" / "a.mrc"
    path.write_bytes(b"kept")
    assert label(folder, "--diameter", "40", "--resume") == 0
    assert path.read_bytes() == b"kept"


def test_resume_with_another_diameter_is_refused(folder, capsys):
    label(folder, "--diameter", "40")
    assert label(folder, "--diameter", "50", "--resume") == 1
    assert "diameter was 40.0 there and is 50.0 now" in capsys.readouterr().err
