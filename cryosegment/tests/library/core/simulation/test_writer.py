# SPDX-License-Identifier: GPL-3.0-or-later
import csv
import dataclasses

import mrcfile
import numpy as np
import pytest

from cryosegment.core.simulation.writer import write_simulation
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.params import SimulateParams
from cryosegment.exchange.star import read_star

PARAMS = SimulateParams(count=2, size=(128, 160), pixel_size=10.0, particles=9, seed=3)


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*.star")
        if path.is_file()
    }


def test_files_are_labels_that_can_be_trained_on(tmp_path):
    write_simulation(tmp_path, PARAMS)
    index = read_labels_index(tmp_path / "truth")
    found = read_coordinates(tmp_path / "truth" / "coordinates.star", 10.0)
    assert index.source == "simulation"
    assert [entry.name for entry in index.entries] == ["simulated_0001", "simulated_0002"]
    for entry in index.entries:
        image = mrcfile.read(entry.micrograph)
        instances, classes = mrcfile.read(entry.instances), mrcfile.read(entry.classes)
        assert image.shape == instances.shape == classes.shape == entry.shape == (128, 160)
        assert (image.dtype, instances.dtype, classes.dtype) == (np.float32, np.int16, np.int8)
        own = read_coordinates(entry.coordinates, 10.0)[entry.name].centers_yx
        np.testing.assert_array_equal(own, found[entry.name].centers_yx)
        numbers = instances[tuple(own.astype(int).T)]
        np.testing.assert_array_equal(numbers[numbers > 0], np.flatnonzero(numbers) + 1)
        assert instances.max() == len(own) == 9
    with mrcfile.open(index.entries[0].micrograph) as file:
        assert float(file.voxel_size.x) == pytest.approx(10)


def test_star_has_one_optics_group_and_every_pose(tmp_path):
    write_simulation(tmp_path, PARAMS)
    blocks = read_star(tmp_path / "truth" / "coordinates.star")
    particles = blocks["particles"]
    assert blocks["optics"]["rlnOpticsGroup"] == ["1"]
    assert float(blocks["optics"]["rlnVoltage"][0]) == PARAMS.voltage
    assert len(particles["rlnAngleRot"]) == 18
    assert set(particles["rlnMicrographName"]) == {
        "micrographs/simulated_0001.mrc",
        "micrographs/simulated_0002.mrc",
    }
    assert (tmp_path / particles["rlnMicrographName"][0]).is_file()
    assert len(set(particles["rlnDefocusU"])) == 2


def test_a_seed_repeats_and_micrographs_differ(tmp_path):
    for name, params in (("a", PARAMS), ("b", PARAMS), ("c", dataclasses.replace(PARAMS, seed=4))):
        write_simulation(tmp_path / name, params)
    first, again, other = (contents(tmp_path / name) for name in "abc")
    assert first == again
    assert first != other
    images = [mrcfile.read(tmp_path / "a/micrographs" / f"simulated_000{i}.mrc") for i in (1, 2)]
    assert not np.array_equal(*images)


def test_resume_keeps_what_is_there_and_makes_the_rest(tmp_path):
    write_simulation(tmp_path, dataclasses.replace(PARAMS, count=1))
    kept = tmp_path / "micrographs" / "simulated_0001.mrc"
    before = kept.stat().st_mtime_ns
    seen = []
    write_simulation(
        tmp_path,
        dataclasses.replace(PARAMS, resume=True),
        progress=lambda done, total, text: seen.append((done, total, text)),
    )
    assert kept.stat().st_mtime_ns == before
    assert seen == [(1, 2, "simulated_0001"), (2, 2, "simulated_0002")]
    assert len(read_labels_index(tmp_path / "truth").entries) == 2
    write_simulation(tmp_path, dataclasses.replace(PARAMS, count=1))
    assert not list(tmp_path.rglob("simulated_0002.*"))


def test_an_interrupted_simulation_with_another_seed_and_its_resumption_do_not_mix(tmp_path):
    def stop(done, total, text):
        raise KeyboardInterrupt

    other = dataclasses.replace(PARAMS, seed=PARAMS.seed + 1)
    write_simulation(tmp_path / "fresh", other)
    write_simulation(tmp_path / "mixed", PARAMS)
    with pytest.raises(KeyboardInterrupt):
        write_simulation(tmp_path / "mixed", other, progress=stop)
    write_simulation(tmp_path / "mixed", dataclasses.replace(other, resume=True))
    for path in sorted((tmp_path / "fresh").glob("truth/coordinates/*.star")):
        mixed = tmp_path / "mixed" / path.relative_to(tmp_path / "fresh")
        assert mixed.read_text() == path.read_text()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="file"):
        write_simulation(tmp_path / "file", PARAMS)


def test_a_mixture_tells_the_species_of_every_particle(tmp_path):
    params = dataclasses.replace(
        PARAMS, molecule=("builtin", "builtin"), ratios=(1.0, 2.0), particles=12, count=3
    )
    write_simulation(tmp_path, params)
    path = tmp_path / "truth" / "coordinates.star"
    classes = np.array(read_star(path)["particles"]["rlnClassNumber"], dtype=int)
    assert set(classes) == {1, 2}
    assert 0.4 < (classes == 2).mean() < 0.9
    with (tmp_path / "truth" / "species.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == ["1", "2"]
    assert [float(row["share"]) for row in rows] == pytest.approx([1 / 3, 2 / 3], abs=1e-5)
    found = read_coordinates(path, 10.0)["simulated_0001"].diameters
    np.testing.assert_allclose(found, float(rows[0]["diameter"]), atol=0.001)


def test_one_species_is_class_1(tmp_path):
    write_simulation(tmp_path, dataclasses.replace(PARAMS, count=1))
    particles = read_star(tmp_path / "truth" / "coordinates.star")["particles"]
    assert set(particles["rlnClassNumber"]) == {"1"}
    assert all(name.startswith("rln") for name in particles)
