# SPDX-License-Identifier: GPL-3.0-or-later
import mrcfile
import pytest

from cryosegment.cli.main import main
from cryosegment.core.simulation.writer import write_simulation
from cryosegment.exchange.params import SimulateParams
from cryosegment.exchange.star import read_star, write_star


@pytest.fixture
def simulated(tmp_path):
    """The truth of a simulated micrograph, as the file of particles that were extracted."""
    write_simulation(tmp_path, SimulateParams(count=1, size=(160, 200), pixel_size=6.0, seed=2))
    blocks = read_star(tmp_path / "truth" / "coordinates.star")
    rows = dict(blocks["particles"])
    rows["rlnImageName"] = [f"{i:06d}@s.mrcs" for i in range(1, 1 + len(rows["rlnAngleRot"]))]
    write_star(tmp_path / "p.star", {**blocks, "particles": rows})
    return tmp_path


def arguments(folder, *more):
    return [
        *("labels", "project", "--particles", str(folder / "p.star")),
        *("--map", str(next((folder / "truth" / "maps").iterdir()))),
        *("--particle-pixel-size", "6", "--output", str(folder / "out"), *more),
    ]


def test_a_folder_of_masks_is_made_that_its_job_repeats(simulated, capsys):
    assert main(arguments(simulated, "--box-size", "48")) == 0
    output = capsys.readouterr().out
    assert "images of 48 px at 6 Å/px" in output
    assert "none rejected" in output
    masks = mrcfile.read(simulated / "out" / "masks.mrcs")
    rows = read_star(simulated / "out" / "masks.star")["particles"]
    assert masks.shape == (len(rows["rlnImageName"]), 48, 48)
    assert set(masks.ravel()) == {0, 1, 3}
    (simulated / "out" / "masks.mrcs").unlink()
    assert main(["run", str(simulated / "out" / "job.json")]) == 0
    assert (mrcfile.read(simulated / "out" / "masks.mrcs") == masks).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((), "--box-size"),
        (("--box-size", "48", "--map", ""), "--map or --mask"),
        (("--particles", "missing.star"), "does not exist"),
    ],
)
def test_what_cannot_be_is_one_line(simulated, change, message, capsys):
    assert main(arguments(simulated, *change)) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("cryosegment: ")
    assert message in error
