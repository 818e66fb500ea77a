# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of particles in contamination."""

import csv

import mrcfile
import numpy as np
import pytest

from cryosegment.core.images.micrograph import write_image
from cryosegment.core.labels.picked import PickedParticles
from cryosegment.core.labels.refined import RefinedParticles
from cryosegment.core.labels.run import LabelsRun
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import LabelsCoordinatesParams, LabelsReconstructionParams


def write(path, values):
    path.parent.mkdir(exist_ok=True)
    write_image(path, values.astype(np.float32), 2.0)
    return path


def test_a_micrograph_that_is_all_dirt_is_labelled_so(simulated, tmp_path):
    name = next(iter(simulated.micrographs))
    path = write(tmp_path / "dirt.mrc", np.full((64, 80), 255))
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


def test_maps_of_other_micrographs_are_refused(simulated, tmp_path):
    write(tmp_path / "maps" / "other.mrc", np.zeros((64, 80)))
    maps = str(tmp_path / "maps")
    params = LabelsCoordinatesParams(str(simulated.star), 180.0, 2.0, contamination=maps)
    source = PickedParticles(params, simulated.micrographs)
    with pytest.raises(InputError, match="named after a micrograph such as"):
        LabelsRun(source, params, tmp_path / "labels")
