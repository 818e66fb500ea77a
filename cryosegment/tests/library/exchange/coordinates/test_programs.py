# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of picks as the programs that they are for read them."""

import shutil

import mrcfile
import numpy as np
import pytest
import starfile

from cryosegment.exchange.coordinates import (
    WRITTEN,
    Coordinates,
    write_coordinates,
    write_coordinates_star,
)
from cryosegment.exchange.star import write_star
from cryosegment.tests.machine import NO_RELION, NO_XMIPP
from cryosegment.tests.relion import Relion

SIDE = 16


@pytest.fixture
def picks():
    return Coordinates(
        [[20.0, 31.0], [40.25, 17.75], [11.0, 50.0]], 2.0, "mic", scores=[0.9, 0.5, 0.25]
    )


@pytest.mark.parametrize("suffix", [".star", ".box"])
def test_relion_cuts_the_boxes_that_numpy_cuts(tmp_path, picks, suffix):
    if shutil.which("relion_preprocess") is None:
        pytest.skip(NO_RELION)
    image = np.random.default_rng(3).normal(size=(60, 70)).astype(np.float32)
    mrcfile.write(tmp_path / "mic.mrc", image, voxel_size=2.0)
    if suffix == ".star":
        write_coordinates(tmp_path / "coordinates" / "mic.star", picks)
    else:
        WRITTEN["box"].write(tmp_path / "coordinates" / "mic.box", picks, SIDE)
    optics = {
        "rlnOpticsGroupName": ["optics1"],
        "rlnOpticsGroup": [1],
        "rlnMicrographPixelSize": [2.0],
        "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1],
    }
    micrographs = {"rlnMicrographName": ["mic.mrc"], "rlnOpticsGroup": [1]}
    write_star(tmp_path / "mics.star", {"optics": optics, "micrographs": micrographs})
    places = ["--coord_dir", "coordinates/", "--coord_suffix", suffix, "--part_dir", "particles/"]
    cut = ["--extract", "--extract_size", SIDE, "--part_star", "particles.star"]
    Relion(tmp_path).run("relion_preprocess", "--i", "mics.star", *places, *cut)
    theirs = mrcfile.read(tmp_path / "particles" / "mic.mrcs")
    corners = np.floor(picks.centers_yx).astype(int) - SIDE // 2  # RELION cuts fractions off
    ours = np.stack([image[y : y + SIDE, x : x + SIDE] for y, x in corners])
    np.testing.assert_allclose(theirs, ours, atol=1e-5)
    table = starfile.read(tmp_path / "particles.star")["particles"]
    assert len(table) == len(picks)
    if suffix == ".star":
        np.testing.assert_allclose(table["rlnAutopickFigureOfMerit"], picks.scores)


def test_starfile_reads_the_picks_of_many_micrographs(tmp_path, picks):
    pairs = [("Movies/mic.mrc", picks), ("Movies/other.mrc", picks.renamed("other"))]
    write_coordinates_star(tmp_path / "coordinates.star", pairs)
    table = starfile.read(tmp_path / "coordinates.star")
    assert table["rlnMicrographName"].tolist() == ["Movies/mic.mrc"] * 3 + ["Movies/other.mrc"] * 3
    np.testing.assert_allclose(
        table[["rlnCoordinateY", "rlnCoordinateX"]], np.tile(picks.centers_yx, (2, 1))
    )
    np.testing.assert_allclose(table["rlnAutopickFigureOfMerit"], np.tile(picks.scores, 2))


def test_xmipp_reads_whole_pixels_and_scores(tmp_path, picks):
    xmipp = pytest.importorskip("xmippLib", reason=NO_XMIPP)
    WRITTEN["xmipp"].write(tmp_path / "mic.pos", picks, SIDE)
    labels = (xmipp.MDL_YCOOR, xmipp.MDL_XCOOR, xmipp.MDL_COST, xmipp.MDL_ENABLED)
    assert xmipp.getBlocksInMetaDataFile(str(tmp_path / "mic.pos")) == ["header", "particles_auto"]
    table = xmipp.MetaData(f"particles_auto@{tmp_path / 'mic.pos'}")
    rows = [[table.getValue(label, row) for label in labels] for row in table]
    assert rows == [[20, 31, 0.9, 1], [40, 18, 0.5, 1], [11, 50, 0.25, 1]]
    header = xmipp.MetaData(f"header@{tmp_path / 'mic.pos'}")
    state = header.getValue(xmipp.MDL_PICKING_MICROGRAPH_STATE, header.firstObject())
    assert state == "Auto"
