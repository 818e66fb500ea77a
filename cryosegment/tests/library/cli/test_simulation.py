# SPDX-License-Identifier: GPL-3.0-or-later
import mrcfile
import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.star import read_star

ARGUMENTS = [
    "--size",
    "96",
    "128",
    "--pixel-size",
    "8",
    "--snr",
    "0.5",
    "--particles",
    "3",
    "--seed",
    "7",
]


def simulate(folder, count, *more):
    return main(["simulate", "--output", str(folder), "--count", str(count), *ARGUMENTS, *more])


def test_micrographs_with_their_truth(tmp_path):
    assert simulate(tmp_path, 2) == 0
    entry = read_labels_index(tmp_path / "truth").entries[1]
    with mrcfile.open(entry.micrograph) as file:
        assert file.data.shape == (96, 128)
        assert file.voxel_size.x == pytest.approx(8.0)
    assert entry.micrograph.resolve().parent == tmp_path / "micrographs"
    truth = read_coordinates(tmp_path / "truth" / "coordinates.star", 8.0)[entry.name]
    instances = mrcfile.read(tmp_path / "truth" / "instances" / f"{entry.name}.mrc")
    rows, columns = truth.centers_yx.astype(int).T
    assert sorted(instances[rows, columns]) == list(range(1, len(truth) + 1))
    particles = read_star(tmp_path / "truth" / "coordinates.star")["particles"]
    assert {"rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnDefocusU"} <= set(particles)


def test_the_seed_decides_and_the_number_does_not_matter(tmp_path):
    simulate(tmp_path / "one", 1)
    simulate(tmp_path / "two", 2)
    first, again = (
        mrcfile.read(min((tmp_path / run / "micrographs").iterdir())) for run in ("one", "two")
    )
    np.testing.assert_array_equal(first, again)
    simulate(tmp_path / "other", 1, "--seed", "8")
    other = mrcfile.read(min((tmp_path / "other" / "micrographs").iterdir()))
    assert not np.array_equal(first, other)


def test_resume_adds_micrographs_and_keeps_the_finished(tmp_path):
    simulate(tmp_path, 1)
    path = min((tmp_path / "micrographs").iterdir())
    path.write_bytes(b"kept")
    assert simulate(tmp_path, 2, "--resume") == 0
    assert path.read_bytes() == b"kept"
    assert len(read_labels_index(tmp_path / "truth").entries) == 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--molecule", "missing.pdb"], "missing.pdb"),
        (["--snr", "0"], "snr"),
        (["--gpu", "99"], "GPU 99"),
    ],
)
def test_bad_input_is_one_line(tmp_path, more, message, capsys):
    assert simulate(tmp_path, 1, *more) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
