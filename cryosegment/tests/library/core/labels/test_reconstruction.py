# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels made from true and from wrong poses, against the simulator's exact masks."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from scipy import ndimage

from cryosegment.core.labels.refined import RefinedParticles
from cryosegment.core.labels.run import LabelsRun
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import LabelsReconstructionParams
from cryosegment.exchange.particles import read_particles, write_particles
from cryosegment.exchange.star import read_star, write_star

PIXEL_SIZE = 2.0


def run_labels(simulated, folder, **changes):
    values = {"particles": str(simulated.star), "map": str(simulated.map), **changes}
    params = LabelsReconstructionParams(**values)
    run = LabelsRun(RefinedParticles(params, simulated.micrographs), params, folder)
    entries = [run.label(name) for name in simulated.micrographs]
    run.report.write(folder)
    return run, entries


def areas(simulated, folder):
    """Pixels in both, pixels in either, and whether it touches another: of every particle."""
    rows = []
    for name in simulated.micrographs:
        truth = simulated.instances(name).astype(int)
        found = mrcfile.read(folder / "instances" / f"{name}.mrc").astype(int)
        count = int(max(truth.max(), found.max())) + 1
        both = np.bincount(truth[truth == found], minlength=count)
        either = np.bincount(truth.ravel(), minlength=count) - both
        either += np.bincount(found.ravel(), minlength=count)
        touching = np.zeros(count, bool)
        for a, b in ((truth[1:], truth[:-1]), (truth[:, 1:], truth[:, :-1])):
            border = (a != b) & (a > 0) & (b > 0)
            touching[a[border]] = touching[b[border]] = True
        rows.append(np.stack((both, either, touching), axis=1)[1:])
    return np.concatenate(rows)


def overlap(rows):
    return rows[:, 0].sum() / rows[:, 1].sum()


def test_labels_from_true_poses_are_the_exact_masks(simulated, tmp_path):
    run, entries = run_labels(simulated, tmp_path)
    rows = areas(simulated, tmp_path)
    touching = rows[rows[:, 2] == 1]
    assert len(rows) > 30
    assert len(touching) > 10
    assert overlap(rows) >= 0.98
    assert overlap(touching) >= 0.98
    assert (rows[:, 0] / rows[:, 1]).min() >= 0.95
    assert run.report.labelled == len(rows)
    assert entries[0].diameter == pytest.approx(run.report.diameter)
    truth = read_coordinates(simulated.star, PIXEL_SIZE)
    for entry in entries:
        own = read_coordinates(entry.coordinates, PIXEL_SIZE)[entry.name]
        np.testing.assert_allclose(own.centers_yx, truth[entry.name].centers_yx, atol=1e-5)


def test_particles_have_an_edge_and_far_away_nothing_is_known(simulated, tmp_path):
    """The edge of touching particles lies on both sides of their border."""
    some = read_particles(simulated.star)
    near_corner = some.select((some.centers_yx < 350).all(axis=1))
    write_particles(tmp_path / "p.star", near_corner)
    changes = {"particles": str(tmp_path / "p.star"), "edge_width": 12.0}
    _, entries = run_labels(simulated, tmp_path, **changes, unknown_outside=True)
    touching = 0
    for entry in entries:
        instances = mrcfile.read(entry.instances)
        classes = mrcfile.read(entry.classes)
        assert (np.isin(classes, (1, 3)) == (instances > 0)).all()
        border = (instances[1:] != instances[:-1]) & (instances[1:] > 0) & (instances[:-1] > 0)
        touching += border.sum()
        assert (classes[1:][border] == 3).all()
        assert (classes[:-1][border] == 3).all()
        depth = ndimage.distance_transform_edt(instances > 0) * PIXEL_SIZE
        assert (classes[(depth > 0) & (depth < 11)] == 3).mean() > 0.999
        farther = ndimage.distance_transform_edt(instances == 0) * PIXEL_SIZE
        assert (classes[farther > 2 * entry.diameter] == -1).all()
        assert (classes == 0).any()
    assert touching > 10


def perturbed(path, degrees, pixels):
    """Particles whose axes are turned and whose centres are moved by about as much."""
    particles = read_particles(path)
    random = np.random.default_rng(4)
    count = len(particles)
    turns = random.normal(size=(count, 2))
    turns *= degrees / np.linalg.norm(turns, axis=1, keepdims=True)
    rot, tilt, psi = particles.angles.T
    # a turn of the view by about `degrees` in a random direction, and one in the plane
    tilt = tilt + turns[:, 0]
    rot = rot + turns[:, 1] / np.maximum(np.sin(np.deg2rad(tilt)), 0.1)
    psi = psi - (rot - particles.angles[:, 0]) * np.cos(np.deg2rad(tilt))
    psi = psi + random.choice([-degrees, degrees], count)
    moves = random.normal(size=(count, 2))
    moves *= pixels * PIXEL_SIZE / np.linalg.norm(moves, axis=1, keepdims=True)
    return dataclasses.replace(
        particles,
        angles=np.stack((rot, tilt, psi), axis=1),
        shifts_yx=particles.shifts_yx + moves,
        pixel_sizes=np.full(count, PIXEL_SIZE),
    )


def test_labels_from_wrong_poses_are_nearly_right(simulated, tmp_path):
    write_particles(tmp_path / "p.star", perturbed(simulated.star, 3.0, 2.0))
    run_labels(simulated, tmp_path, particles=str(tmp_path / "p.star"))
    rows = areas(simulated, tmp_path)
    assert 0.85 <= overlap(rows) <= 0.95


@pytest.mark.parametrize("binning", [1.0, 2.0])
def test_shifts_in_angstrom_move_back_what_was_picked_beside(simulated, tmp_path, binning):
    """Picks that are off by up to 20 px, with the shifts that a refinement finds."""
    particles = read_particles(simulated.star)
    moves = np.random.default_rng(1).uniform(-20, 20, (len(particles), 2))
    moved = dataclasses.replace(
        particles,
        centers_yx=(particles.centers_yx + moves) / binning,
        shifts_yx=moves * PIXEL_SIZE,
        pixel_sizes=np.full(len(particles), PIXEL_SIZE * binning),
    )
    write_particles(tmp_path / "p.star", moved)
    run, _ = run_labels(simulated, tmp_path, particles=str(tmp_path / "p.star"))
    assert overlap(areas(simulated, tmp_path)) >= 0.98
    expected = "particle pixels" if binning > 1 else "micrograph pixels"
    assert any(expected in note for note in run.report.notes)


def test_micrographs_and_particles_that_count_y_from_the_last_row(simulated, tmp_path):
    particles = read_particles(simulated.star)
    flipped = dataclasses.replace(
        particles.flipped(640), pixel_sizes=np.full(len(particles), PIXEL_SIZE)
    )
    write_particles(tmp_path / "p.star", flipped)
    run_labels(simulated, tmp_path, particles=str(tmp_path / "p.star"), y_up=True)
    assert overlap(areas(simulated, tmp_path)) >= 0.98


def test_a_map_of_another_pixel_size_is_rescaled_and_told(simulated, tmp_path):
    volume = mrcfile.read(simulated.map)
    size = volume.shape[0] // 2
    coarse = volume[: 2 * size, : 2 * size, : 2 * size].reshape(size, 2, size, 2, size, 2)
    # a voxel of the mean lies half an old voxel behind the first of the two
    shifted = np.zeros((size,) * 3, np.float32)
    shifted += coarse.mean(axis=(1, 3, 5))
    with mrcfile.new(tmp_path / "map.mrc") as file:
        file.set_data(shifted)
        file.voxel_size = 2 * PIXEL_SIZE
        file.set_volume()
    run, _ = run_labels(simulated, tmp_path, map=str(tmp_path / "map.mrc"))
    assert overlap(areas(simulated, tmp_path)) >= 0.9
    assert any("rescaled" in note for note in run.report.notes)


def test_a_mask_stands_for_the_map(simulated, tmp_path):
    volume = mrcfile.read(simulated.map)
    with mrcfile.new(tmp_path / "mask.mrc") as file:
        file.set_data((volume > 0.3).astype(np.float32))
        file.voxel_size = PIXEL_SIZE
        file.set_volume()
    run_labels(simulated, tmp_path, map="", mask=str(tmp_path / "mask.mrc"))
    assert overlap(areas(simulated, tmp_path)) >= 0.9


def test_a_smallest_score_needs_scores(simulated, tmp_path):
    particles = read_particles(simulated.star)
    unscored = dataclasses.replace(particles, scores=np.full(len(particles), np.nan))
    write_particles(tmp_path / "p.star", unscored)
    with pytest.raises(InputError, match="expected scores of at least"):
        run_labels(simulated, tmp_path, particles=str(tmp_path / "p.star"), min_score=0.5)


def test_bad_rows_are_named_and_counted(simulated, tmp_path):
    particles = read_particles(simulated.star)
    first = [name == particles.micrographs[0] for name in particles.micrographs]
    count = sum(first)
    angles, centers = particles.angles.copy(), particles.centers_yx.copy()
    angles[0] = np.nan
    centers[1] = np.nan
    centers[2] = [9000, 10]
    centers[3] = centers[4] + 0.5
    names = ["elsewhere" if i == 5 else name for i, name in enumerate(particles.micrographs)]
    scores = np.ones(len(particles))
    scores[6] = 0.1
    bad = dataclasses.replace(
        particles,
        micrographs=tuple(names),
        angles=angles,
        centers_yx=centers,
        scores=scores,
        pixel_sizes=np.where(np.arange(len(names)) % 2, PIXEL_SIZE, 1.001 * PIXEL_SIZE),
    )
    write_particles(tmp_path / "p.star", bad)
    _, entries = run_labels(simulated, tmp_path, particles=str(tmp_path / "p.star"), min_score=0.5)
    with (tmp_path / "rejected.csv").open(newline="") as stream:
        rejected = {int(row["row"]): row["reason"] for row in csv.DictReader(stream)}
    assert rejected == {
        1: "no orientation",
        2: "no coordinates",
        3: "outside the micrograph",
        5: "duplicate",
        6: "micrograph not given",
        7: "poor score",
    }
    with (tmp_path / "report.csv").open(newline="") as stream:
        row = next(csv.DictReader(stream))
    assert (int(row["particles"]), int(row["labelled"])) == (count - 1, count - 6)
    assert int(row["poor score"]) == 1
    assert 0.05 < float(row["coverage"]) < 0.5
    summary = json.loads((tmp_path / "report.json").read_text())
    assert summary["labelled"] + len(rejected) == len(particles)
    assert any("2 pixel sizes" in note for note in summary["notes"])
    # where a particle without a pose lies, and where one with a poor pose is, is unknown
    classes = mrcfile.read(entries[0].classes)
    for i in (0, 6):
        y, x = particles.centers_yx[i].astype(int)
        assert classes[y, x] == -1


def classified(simulated, path):
    """The particles in classes 1, 2, 3, 1, 2 and so on."""
    particles = read_particles(simulated.star)
    numbers = np.arange(len(particles)) % 3 + 1
    sizes = np.full(len(particles), PIXEL_SIZE)
    write_particles(path, dataclasses.replace(particles, classes=numbers, pixel_sizes=sizes))
    return numbers


def test_particles_of_classes_that_were_chosen(simulated, tmp_path):
    """Those of others are rejected, and where they lie is unknown."""
    numbers = classified(simulated, tmp_path / "p.star")
    changes = {"particles": str(tmp_path / "p.star"), "unknown_ring": 0.0}
    run, entries = run_labels(simulated, tmp_path, **changes, classes=(1, 3))
    assert run.report.labelled == (numbers != 2).sum()
    rejected = {r.row: r.reason for r in run.report.rejections}
    assert rejected == dict.fromkeys(np.flatnonzero(numbers == 2) + 1, "class not chosen")
    particles = read_particles(tmp_path / "p.star")
    for entry in entries:
        own = np.array([name == entry.name for name in particles.micrographs])
        truth = simulated.instances(entry.name)
        classes = mrcfile.read(entry.classes)
        for number, kept in enumerate(numbers[own] != 2, start=1):
            area = truth == number
            found = np.isin(classes[area], (1, 3)) if kept else classes[area] != 0
            assert found.mean() > 0.9


def test_a_class_without_particles_is_named(simulated, tmp_path):
    classified(simulated, tmp_path / "p.star")
    for star, message in (
        (tmp_path / "p.star", r"is of class 7: it has 1 \(\d+\), 2 \(\d+\), 3"),
        (simulated.star, r"is of class 7: it has 1 \(\d+\)"),
    ):
        with pytest.raises(InputError, match=message):
            run_labels(simulated, tmp_path, particles=str(star), classes=(1, 7))


def test_a_micrograph_whose_particles_lie_elsewhere_fails(simulated, tmp_path):
    particles = read_particles(simulated.star)
    far = dataclasses.replace(particles, centers_yx=particles.centers_yx + 5000)
    write_particles(tmp_path / "p.star", far)
    with pytest.raises(InputError, match="outside the micrograph"):
        run_labels(simulated, tmp_path, particles=str(tmp_path / "p.star"))


def test_a_micrograph_that_no_particle_names_fails(simulated, tmp_path):
    params = LabelsReconstructionParams(str(simulated.star), map=str(simulated.map))
    path = shutil.copy(next(iter(simulated.micrographs.values())), tmp_path / "stranger.mrc")
    source = RefinedParticles(params, {"stranger": Path(path)})
    with pytest.raises(InputError, match=r"stranger in .*, which names 'simulated_"):
        LabelsRun(source, params, tmp_path).label("stranger")


def test_a_body_that_is_not_centred_is_told_and_can_be_recentred(simulated, tmp_path):
    volume = mrcfile.read(simulated.map)
    size = volume.shape[0]
    moved = np.zeros((size + 20,) * 3, np.float32)
    moved[20:, 10:-10, 10:-10] = volume  # 10 voxels up in z
    with mrcfile.new(tmp_path / "map.mrc") as file:
        file.set_data(moved)
        file.voxel_size = PIXEL_SIZE
        file.set_volume()
    run, entries = run_labels(simulated, tmp_path, map=str(tmp_path / "map.mrc"), recenter=True)
    assert any("--recenter" in note for note in run.report.notes)
    for entry in entries:
        instances = mrcfile.read(entry.instances)
        centers = read_coordinates(entry.coordinates, PIXEL_SIZE)[entry.name].centers_yx
        for number in range(1, 6):
            inside = np.argwhere(instances == number)
            assert np.linalg.norm(inside.mean(axis=0) - centers[number - 1]) < 8


def test_pixel_sizes_that_contradict_the_files_are_told(simulated, tmp_path):
    star = read_star(simulated.star)
    optics = {**star["optics"], "rlnMicrographPixelSize": ["1.0"]}
    write_star(tmp_path / "p.star", {**star, "optics": optics})
    given = {"particles": str(tmp_path / "p.star"), "map": str(simulated.map)}
    micrographs = simulated.micrographs

    def notes(**values):
        params = LabelsReconstructionParams(**given, **values)
        return " ".join(RefinedParticles(params, micrographs).notes)

    said = "the particle file says that micrographs have 1 Å/px, "
    assert f"{said}--pixel-size says 2" in notes(pixel_size=2.0)
    assert f"{said}their headers say 2" in notes()
    assert "file says" not in notes(pixel_size=1.02)
    of_map = "the header of the map says 2 Å per voxel, --map-pixel-size says 3"
    assert of_map in notes(map_pixel_size=3.0)
    assert "header of the map" not in notes(map_pixel_size=2.03)
