# SPDX-License-Identifier: GPL-3.0-or-later
"""Contamination maps of other programs, and what becomes of the particles in them."""

import csv

import cv2
import mrcfile
import numpy as np
import pytest

from cryosegment.core.images.micrograph import read_image, write_image
from cryosegment.core.labels.contamination import ContaminationMaps
from cryosegment.core.labels.picked import PickedParticles
from cryosegment.core.labels.refined import RefinedParticles
from cryosegment.core.labels.run import LabelsRun
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import LabelEntry
from cryosegment.exchange.params import LabelsCoordinatesParams, LabelsReconstructionParams

SHAPE = (60, 90)


@pytest.fixture
def entry(tmp_path):
    files = [tmp_path / name for name in ("m.mrc", "i.mrc", "c.mrc", "m.star")]
    return LabelEntry("mic", *files, pixel_size=2.0, shape=SHAPE, diameter=20.0)


def write(path, values):
    """A picture as PNG, numbers as MRC."""
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".png":
        cv2.imwrite(str(path), values.astype(np.uint8))
    else:
        write_image(path, values.astype(np.float32), 2.0)
    return path


def upper_half(shape):
    return (np.arange(shape[0]) < shape[0] // 2)[:, None] * np.ones(shape)


@pytest.mark.parametrize("name", ["mic.png", "mic.mrc", "mic_micrographcleaner_mask.png"])
@pytest.mark.parametrize("white", [1, 255])
@pytest.mark.parametrize("shape", [SHAPE, (20, 30), (23, 34), (120, 180)])
def test_maps_of_any_scale(tmp_path, entry, name, white, shape):
    write(tmp_path / "maps" / name, upper_half(shape) * white)
    found = ContaminationMaps(tmp_path / "maps", ["mic"]).area(entry)
    assert found.shape == SHAPE
    height = SHAPE[0] / shape[0] + 1  # of a pixel of the map
    assert found[: int(30 - height)].all()
    assert not found[int(30 + height) :].any()


def test_probabilities_count_from_a_half(tmp_path, entry):
    values = np.tile(np.array([0.0, 0.4, 0.6]), (60, 30))
    path = write(tmp_path / "any.mrc", values)
    found = ContaminationMaps(path, ["mic"]).area(entry)  # one map for one micrograph
    np.testing.assert_array_equal(found, values > 0.5)
    write(path, values / 2)
    assert not ContaminationMaps(path, ["mic"]).area(entry).any()


def test_a_mask_of_micrograph_cleaner(shared_data, entry):
    """Its mask of a micrograph with a large contaminant in a corner."""
    folder = shared_data / "contamination"
    name = "Ucsf_stack_1142_DW"
    mask = folder / f"{name}_micrographcleaner_mask.png"
    other = LabelEntry(name, *[mask] * 4, pixel_size=1.0, shape=(1854, 1918), diameter=50.0)
    found = ContaminationMaps(mask, [name, "other"]).area(other)
    expected = read_image(mask)[0] > 127
    assert 0.05 < expected.mean() < 0.95
    assert (found[::2, ::2] == expected).mean() > 0.99


def test_micrographs_without_a_map_are_told(tmp_path, entry):
    write(tmp_path / "maps" / "mic.mrc", np.zeros(SHAPE))
    maps = ContaminationMaps(tmp_path / "maps", ["other", "mic"])
    assert maps.note.startswith("1 of 2 micrographs have no contamination map, such as other")
    assert not maps.area(entry).any()
    maps = ContaminationMaps(tmp_path / "maps", ["mic"])
    assert maps.note == ""


@pytest.mark.parametrize(
    ("files", "shape", "message"),
    [
        (["other.mrc"], SHAPE, "named after a micrograph such as mic"),
        (["mic.mrc", "mic_mask.mrc"], SHAPE, "two contamination maps of micrograph mic"),
        (["mic.mrc"], (60, 60), "another aspect ratio"),
    ],
)
def test_maps_that_do_not_fit(tmp_path, entry, files, shape, message):
    for name in files:
        write(tmp_path / "maps" / name, np.zeros(shape))
    with pytest.raises(InputError, match=message):
        ContaminationMaps(tmp_path / "maps", ["mic"]).area(entry)
    with pytest.raises(InputError, match="do not exist"):
        ContaminationMaps(tmp_path / "nowhere", ["mic"])


def test_a_micrograph_that_is_all_dirt_is_labelled_so(simulated, tmp_path):
    name = next(iter(simulated.micrographs))
    path = write(tmp_path / "dirt.png", np.full((64, 80), 255))
    params = LabelsCoordinatesParams(str(simulated.star), 180.0, 2.0, contamination=str(path))
    source = PickedParticles(params, {name: simulated.micrographs[name]})
    run = LabelsRun(source, params, tmp_path / "labels")
    entry = run.label(name)
    assert (mrcfile.read(entry.classes) == 2).all()
    assert not mrcfile.read(entry.instances).any()
    assert run.report.labelled == 0


@pytest.mark.parametrize("source", ["coordinates", "reconstruction"])
def test_particles_in_contamination_get_no_label(simulated, tmp_path, source):
    """Their pixels outside the map are unknown; the map's are contamination in any case."""
    dirty = np.zeros((320, 400))
    dirty[:120, :160] = 1  # at half the scale
    for name in simulated.micrographs:
        write(tmp_path / "maps" / f"{name}.mrc", dirty)
    where = {"contamination": str(tmp_path / "maps"), "unknown_ring": 0.0}
    if source == "coordinates":
        params = LabelsCoordinatesParams(str(simulated.star), 180.0, 2.0, **where)
        particles = PickedParticles(params, simulated.micrographs)
    else:
        params = LabelsReconstructionParams(str(simulated.star), str(simulated.map), **where)
        particles = RefinedParticles(params, simulated.micrographs)
    run = LabelsRun(particles, params, tmp_path / "labels")
    entries = [run.label(name) for name in simulated.micrographs]
    run.report.write(tmp_path / "labels")
    with (tmp_path / "labels" / "rejected.csv").open(newline="") as stream:
        rejected = [(r["micrograph"], int(r["row"])) for r in csv.DictReader(stream)]
    area = np.kron(dirty, np.ones((2, 2))) > 0
    expected = []
    for entry in entries:
        given = read_coordinates(simulated.star, 2.0)[entry.name]
        inside = area[tuple(given.centers_yx.round().astype(int).T)]
        expected += [(entry.name, row) for row in given.rows[inside]]
        classes, instances = mrcfile.read(entry.classes), mrcfile.read(entry.instances)
        assert (classes[area] == 2).mean() > 0.98
        assert (classes[~area] == 2).mean() < 0.01
        assert (np.isin(classes, (1, 3)) == (instances > 0)).all()
        assert instances.max() == len(given) - inside.sum()
        assert (classes == -1).any()
    assert len(expected) > 3
    assert sorted(rejected) == expected
    assert {r.reason for r in run.report.rejections} == {"contaminated"}
