# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of particle images against label maps of micrographs, brute force, and SciPy."""

import csv
import json

import mrcfile
import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from cryosegment.core.images.volume import read_volume
from cryosegment.core.labels.body import body_from_map
from cryosegment.core.labels.project import project_masks
from cryosegment.core.labels.reconstruction import Labeller, LabelRules
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import EDGE, PARTICLE
from cryosegment.exchange.params import LabelsProjectParams
from cryosegment.exchange.particles import read_particles
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.star import read_star, write_star

PIXEL_SIZE = 2.0
BOX = 128
COUNT = 10


@pytest.fixture
def table(tmp_path):
    """Writes a particle file: `table(**columns)`, by default RELION 3.1's, ten particles."""
    random = np.random.default_rng(9)
    columns = {
        "rlnImageName": [f"{i + 1:06d}@Extract/s.mrcs" for i in range(COUNT)],
        "rlnMicrographName": ["m.mrc"] * COUNT,
        "rlnAngleRot": list(random.uniform(-180, 180, COUNT)),
        "rlnAngleTilt": list(np.rad2deg(np.arccos(random.uniform(-1, 1, COUNT)))),
        "rlnAnglePsi": list(random.uniform(-180, 180, COUNT)),
        "rlnOriginXAngst": list(random.uniform(-20, 20, COUNT)),
        "rlnOriginYAngst": list(random.uniform(-20, 20, COUNT)),
        "rlnOpticsGroup": [1] * COUNT,
    }
    optics = {"rlnOpticsGroup": [1], "rlnImagePixelSize": [PIXEL_SIZE], "rlnImageSize": [BOX]}

    def write(optics=optics, **changes):
        values = {name: cells for name, cells in {**columns, **changes}.items() if cells}
        blocks = {"optics": optics, "particles": values} if optics else {"": values}
        write_star(tmp_path / "p.star", blocks)
        return tmp_path / "p.star"

    return write


@pytest.fixture
def project(simulated, tmp_path):
    """Runs on a particle file; the masks, the rows of `masks.star`, and the report."""

    def run(star, **changes):
        params = LabelsProjectParams(str(star), map=str(simulated.map), **changes)
        report = project_masks(params, tmp_path / "out", no_progress)
        rows = read_star(tmp_path / "out" / "masks.star")["particles"]
        names = rows["rlnImageName"]
        stacks = {name: tmp_path / "out" / name for name in {n.split("@")[1] for n in names}}
        pixels = {name: mrcfile.read(path) for name, path in stacks.items()}
        return [pixels[n.split("@")[1]][int(n.split("@")[0]) - 1] for n in names], rows, report

    return run


def brute_force(support, angles, shift_yx):
    """Every voxel, as 27 points, turned by SciPy and dropped on the image's pixels."""
    points = np.argwhere(support)[:, ::-1] - support.shape[0] // 2
    steps = np.stack(np.meshgrid(*[(-1 / 3, 0, 1 / 3)] * 3), -1).reshape(-1, 3)
    matrix = Rotation.from_euler("ZYZ", angles, degrees=True).inv().as_matrix()
    x, y, _ = matrix @ (points[:, None] + steps).reshape(-1, 3).T
    rows = np.rint(y + BOX // 2 - shift_yx[0]).astype(int)
    columns = np.rint(x + BOX // 2 - shift_yx[1]).astype(int)
    counts = np.zeros((BOX, BOX))
    np.add.at(counts, (rows, columns), 1 / len(steps))
    return counts >= 1.0


def test_signal_is_the_projected_body_and_the_edge_the_ring_around_it(simulated, table, project):
    star = table()
    masks, rows, _ = project(star, edge_width=7.0)
    assert len(masks) == COUNT
    assert rows["rlnImageOriginalName"][3] == "000004@Extract/s.mrcs"
    volume, voxel_size = read_volume(simulated.map)
    support = body_from_map(volume, voxel_size).support
    particles = read_particle_poses(star)
    for mask, angles, shift in zip(masks, *particles, strict=True):
        expected = brute_force(support, angles, shift / PIXEL_SIZE)
        signal = mask == PARTICLE
        assert (signal & expected).sum() / (signal | expected).sum() > 0.97
        distance = ndimage.distance_transform_edt(~signal) * PIXEL_SIZE
        np.testing.assert_array_equal(mask == EDGE, (distance > 0) & (distance <= 7.0))


def read_particle_poses(star):
    """Angles, and shifts y, x in Å."""
    block = read_star(star)["particles"]
    angles = np.array([block[f"rlnAngle{name}"] for name in ("Rot", "Tilt", "Psi")], float).T
    shifts = np.array([block[f"rlnOrigin{axis}Angst"] for axis in "YX"], float).T
    return angles, shifts


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["silhouette", "li"])
def test_signal_is_the_label_of_the_particle_alone_on_its_micrograph(
    simulated, table, project, rule
):
    """Each is picked in the middle of a micrograph as large as its image."""
    places = {f"rlnCoordinate{axis}": [BOX // 2] * COUNT for axis in "XY"}
    star = table(**places)
    masks, _, report = project(star, footprint=rule)
    volume, voxel_size = read_volume(simulated.map)
    labeller = Labeller(body_from_map(volume, voxel_size), LabelRules(footprint=rule))
    particles = read_particles(star)
    for i, mask in enumerate(masks):
        found = labeller.screen((BOX, BOX), PIXEL_SIZE, particles.select([i]))
        labels = labeller.paint((BOX, BOX), PIXEL_SIZE, found)
        np.testing.assert_array_equal(mask == PARTICLE, labels.instances == 1)
    assert report.diameter == labeller.diameter


def test_stacks_are_int8_image_stacks_that_mrcfile_accepts(table, project, tmp_path):
    project(table())
    with mrcfile.open(tmp_path / "out" / "masks.mrcs") as file:
        assert file.data.dtype == np.int8
        assert file.data.shape == (COUNT, BOX, BOX)
        assert file.is_image_stack()
        assert file.voxel_size.x == pytest.approx(PIXEL_SIZE)
    assert mrcfile.validate(tmp_path / "out" / "masks.mrcs")


def test_particles_without_a_mask_are_named_and_the_rest_keep_their_images(
    table, project, tmp_path
):
    tilts, shifts = ["5.0"] * COUNT, [1.0] * COUNT
    tilts[1], shifts[4] = "nan", 500.0
    scores = [0.9] * COUNT
    scores[7] = 0.1
    changes = {"rlnAngleTilt": tilts, "rlnOriginXAngst": shifts}
    star = table(**changes, rlnAutopickFigureOfMerit=scores)
    masks, rows, report = project(star, min_score=0.5)
    kept = [i + 1 for i in range(COUNT) if i not in (1, 4, 7)]
    assert [int(name.split("@")[0]) for name in rows["rlnImageOriginalName"]] == kept
    assert len(masks) == len(kept) == report.labelled
    with (tmp_path / "out" / "rejected.csv").open(newline="") as stream:
        rejected = {int(row["row"]): row["reason"] for row in csv.DictReader(stream)}
    assert rejected == {2: "no orientation", 5: "outside the image", 8: "poor score"}
    summary = json.loads((tmp_path / "out" / "report.json").read_text())
    assert summary["labelled"] == len(kept)


def test_every_pixel_size_and_side_has_a_stack(table, project, tmp_path):
    optics = {
        "rlnOpticsGroup": [1, 2],
        "rlnImagePixelSize": [PIXEL_SIZE, 2 * PIXEL_SIZE],
        "rlnImageSize": [BOX, BOX // 2],
    }
    groups = [1 + i % 2 for i in range(COUNT)]
    same = {f"rlnAngle{name}": [30.0] * COUNT for name in ("Rot", "Tilt", "Psi")}
    same.update({f"rlnOrigin{axis}Angst": [0.0] * COUNT for axis in "XY"})
    masks, rows, _ = project(table(optics, rlnOpticsGroup=groups, **same), edge_width=0.0)
    assert [len(mask) for mask in masks] == [BOX, BOX // 2] * (COUNT // 2)
    names = ["000001@masks_1.mrcs", "000001@masks_2.mrcs", "000002@masks_1.mrcs"]
    assert rows["rlnImageName"][:3] == names
    # pixels twice as large: a quarter of them
    assert (masks[0] > 0).sum() == pytest.approx(4 * (masks[1] > 0).sum(), rel=0.02)
    assert rows["rlnOpticsGroup"][:2] == ["1", "2"]


def test_a_group_without_masks_has_no_stack(table, project, tmp_path):
    optics = {
        "rlnOpticsGroup": [1, 2],
        "rlnImagePixelSize": [PIXEL_SIZE] * 2,
        "rlnImageSize": [BOX, BOX // 2],
    }
    tilts = ["nan", "10"] * (COUNT // 2)
    groups = [1, 2] * (COUNT // 2)
    masks, _, report = project(table(optics, rlnOpticsGroup=groups, rlnAngleTilt=tilts))
    assert {mask.shape for mask in masks} == {(BOX // 2, BOX // 2)}
    assert report.labelled == len(masks) == COUNT // 2
    assert [path.name for path in (tmp_path / "out").glob("*.mrcs")] == ["masks.mrcs"]


def test_the_side_comes_from_the_stack_where_the_file_does_not_say(table, project, tmp_path):
    """RELION 3.0; it names stacks from the project's folder, which lies above."""
    star = table(
        None,
        rlnOpticsGroup=None,
        rlnDetectorPixelSize=[5.0] * COUNT,
        rlnMagnification=[25_000.0] * COUNT,
    )
    with pytest.raises(InputError, match="--box-size"):
        project(star)
    (tmp_path / "Extract").mkdir()
    mrcfile.write(tmp_path / "Extract" / "s.mrcs", np.zeros((2, 96, 96), np.float32))
    (tmp_path / "Refine3D").mkdir()
    star = star.rename(tmp_path / "Refine3D" / "run_data.star")
    masks, _, _ = project(star)
    assert masks[0].shape == (96, 96)
    masks, _, report = project(star, box_size=32)
    assert masks[0].shape == (32, 32)
    assert any("cut off" in note for note in report.notes)


def test_no_mask_at_all_is_an_error(table, project):
    with pytest.raises(InputError, match="no orientation"):
        project(table(rlnAngleRot=["nan"] * COUNT))


def test_progress_counts_all_masks(simulated, table, tmp_path, monkeypatch):
    monkeypatch.setattr("cryosegment.core.labels.project.STEP", 4)
    seen = []
    params = LabelsProjectParams(str(table()), map=str(simulated.map))
    project_masks(params, tmp_path / "out", lambda *report: seen.append(report[:2]))
    assert seen == [(4, COUNT), (8, COUNT), (COUNT, COUNT)]
