# SPDX-License-Identifier: GPL-3.0-or-later
import shutil
import subprocess

import numpy as np
import pytest
import starfile

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.particles import open_particles
from cryosegment.tests.machine import NO_RELION, has_relion

RELION_30 = """
data_

loop_
_rlnImageName #1
_rlnMicrographName #2
_rlnCoordinateX #3
_rlnCoordinateY #4
_rlnDefocusU #5
_rlnDefocusV #6
_rlnDefocusAngle #7
_rlnVoltage #8
_rlnSphericalAberration #9
_rlnAmplitudeContrast #10
_rlnMagnification #11
_rlnDetectorPixelSize #12
000001@Extract/a.mrcs mics/a.mrc  10.000000 20.000000 {0}
000002@Extract/a.mrcs mics/a.mrc  11.000000 20.000000 {0}
000001@Extract/b.mrcs mics/b.mrc  12.000000 20.000000 {1}

""".format(
    "15000.500000 14000.500000 5.28 300 2.7 0.07 10000.000000 2.000000",
    "25000.500000 24000.500000 5.28 300 2.7 0.07 10000.000000 2.000000",
)
OPTICS = """
# version {version}

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnVoltage #3
_rlnSphericalAberration #4
_rlnAmplitudeContrast #5
_rlnImagePixelSize #6
_rlnImageSize #7
_rlnImageDimensionality #8
{more}opticsGroup1 1 300.000000 2.700000 0.100000 {size} 32 2{values}
opticsGroup2 2 200.000000 2.700000 0.100000 2.500000 32 2{values}


# version {version}

data_particles

loop_
_rlnCoordinateX #1
_rlnCoordinateY #2
_rlnImageName #3
_rlnMicrographName #4
_rlnOpticsGroup #5
_rlnDefocusU #6
_rlnDefocusV #7
_rlnAnglePsi #8
_rlnAutopickFigureOfMerit #9
10.000000 20.000000 000001@Extract/a.mrcs mics/a.mrc 1 15000.500000 14000.500000 -999.0 1.234567
11.000000 20.000000 000002@Extract/a.mrcs mics/a.mrc 1 15000.500000 14000.500000 12.500000 0.000001
12.000000 20.000000 000001@Extract/b.mrcs mics/b.mrc 2 25000.500000 24000.500000 12.500000 1e-07

"""
RELION_31 = OPTICS.format(version=30001, size=2.0, more="", values="")
RELION_5 = OPTICS.format(
    version=50001,
    size="2.000000",
    more="_rlnCtfDataAreCtfPremultiplied #9\n_rlnMicrographOriginalPixelSize #10\n",
    values=" 0 1.000000",
)
VERSIONS = {"3.0": RELION_30, "3.1": RELION_31, "5": RELION_5}
KEPT = np.array([True, False, True])
ADDED = {"ETS": np.array([0.25, 0.5, 1.5]), "Quality": np.array([0.9, 0.1, 0.8], np.float32)}


@pytest.fixture(params=VERSIONS)
def star(request, tmp_path):
    """A particle file of each version of RELION."""
    path = tmp_path / "particles.star"
    path.write_text(VERSIONS[request.param])
    return path


def test_every_column_of_each_version_comes_back(star, tmp_path):
    """starfile tells what is in the files; optics tables are the same."""
    found = open_particles(star)
    found.write_part(tmp_path / "kept.star", KEPT, ADDED)
    found.write_part(tmp_path / "dropped.star", ~KEPT, ADDED)
    before = starfile.read(star, always_dict=True)
    for name, chosen in (("kept", KEPT), ("dropped", ~KEPT)):
        path = tmp_path / f"{name}.star"
        after = starfile.read(path, always_dict=True)
        assert list(after) == list(before)
        *tables, particles = before
        for table in tables:
            assert after[table].equals(before[table])
        expected = before[particles][chosen].reset_index(drop=True)
        assert list(after[particles])[:-2] == list(expected)
        assert after[particles][list(expected)].equals(expected)
        np.testing.assert_allclose(after[particles]["cryosegmentETS"], ADDED["ETS"][chosen])


def test_where_the_images_are(star):
    stacks = open_particles(star).stacks
    assert stacks.stacks.names == ("Extract/a.mrcs", "Extract/b.mrcs")
    assert stacks.stacks.numbers.tolist() == [0, 0, 1]
    assert stacks.positions.tolist() == [0, 1, 0]
    assert [stacks.micrographs[row] for row in range(3)] == ["a", "a", "b"]
    assert stacks.defocus.tolist() == [14500.5, 14500.5, 24500.5]
    assert not stacks.are_dark.any()
    last = 2.0 if "data_optics" not in star.read_text() else 2.5
    assert stacks.pixel_sizes.tolist() == [2.0, 2.0, last]


@pytest.mark.skipif(not has_relion(), reason=NO_RELION)
def test_relion_reads_the_parts(star, tmp_path):
    """Its programs bring older files to its version, and give back all columns that they know."""
    open_particles(star).write_part(tmp_path / "kept.star", KEPT, ADDED)
    read = ["relion_star_handler", "--i", "kept.star", "--o", "out.star", "--random_order"]
    if "data_optics" not in star.read_text():
        read = ["relion_convert_star", "--i", "kept.star", "--o", "out.star"]
    subprocess.run(read, cwd=tmp_path, check=True, capture_output=True)
    found = starfile.read(tmp_path / "out.star", always_dict=True)
    expected = starfile.read(tmp_path / "kept.star", always_dict=True)
    particles = found["particles"].sort_values("rlnCoordinateX")
    own = expected["particles" if "particles" in expected else ""]
    assert len(particles) == 2
    shared = [name for name in own if name in particles]
    assert {"rlnCoordinateX", "rlnImageName", "rlnDefocusU", "rlnMicrographName"} <= set(shared)
    for name in shared:
        assert particles[name].tolist() == own[name].tolist()
    if "optics" in expected:
        assert found["optics"]["rlnImagePixelSize"].tolist() == [2.0, 2.5]


@pytest.fixture
def cryosparc(tmp_path):
    """Particles of a job, and the file that it has passed through, in another order."""
    main = np.zeros(
        3, [("uid", "<u8"), ("blob/path", "S20"), ("blob/idx", "<u4"), ("blob/psize_A", "<f4")]
    )
    main["uid"] = [30, 10, 20]
    main["blob/path"] = [b">J1/a.mrc", b">J1/a.mrc", b"J1/b.mrc"]
    main["blob/idx"], main["blob/psize_A"] = [4, 0, 7], 1.5
    other = np.zeros(
        4,
        [
            ("uid", "<u8"),
            ("blob/psize_A", "<f4"),
            ("blob/sign", "<f4"),
            ("ctf/df1_A", "<f4"),
            ("ctf/df2_A", "<f4"),
            ("location/micrograph_path", "S20"),
            ("ctf/anisomag", "<f4", (4,)),
        ],
    )
    other["uid"], other["blob/psize_A"], other["blob/sign"] = [10, 20, 30, 40], 9, [1, 1, -1, 1]
    other["ctf/df1_A"], other["ctf/df2_A"] = [1, 2, 3, 4], [3, 4, 5, 6]
    other["location/micrograph_path"] = [b"J0/x.mrc", b"J0/y.mrc", b"J0/z.mrc", b"J0/z.mrc"]
    other["ctf/anisomag"] = np.arange(16).reshape(4, 4)
    for name, table in (("J2_particles", main), ("J2_passthrough_particles", other)):
        with (tmp_path / f"{name}.cs").open("wb") as stream:
            np.save(stream, table)
    return tmp_path / "J2_particles.cs"


def test_fields_of_cryosparc_and_of_its_passthrough_file(cryosparc, tmp_path):
    found = open_particles(cryosparc)
    assert [found.stacks.stacks[row] for row in range(3)] == ["J1/a.mrc", "J1/a.mrc", "J1/b.mrc"]
    assert found.stacks.positions.tolist() == [4, 0, 7]
    assert found.stacks.pixel_sizes.tolist() == [1.5] * 3
    assert found.stacks.are_dark.tolist() == [True, False, False]
    assert found.stacks.defocus.tolist() == [4, 2, 3]
    assert [found.stacks.micrographs[row] for row in range(3)] == ["z", "x", "y"]
    found.write_part(tmp_path / "kept.cs", KEPT, ADDED)
    kept, main = np.load(tmp_path / "kept.cs"), np.load(cryosparc)
    other = np.load(tmp_path / "J2_passthrough_particles.cs")
    assert kept.dtype.names == (
        *main.dtype.names,
        *other.dtype.names[2:],
        "cryosegment/ets",
        "cryosegment/quality",
    )
    for name in main.dtype.names:
        assert kept[name].dtype == main[name].dtype
        np.testing.assert_array_equal(kept[name], main[name][KEPT])
    np.testing.assert_array_equal(kept["ctf/anisomag"], other["ctf/anisomag"][[2, 1]])
    np.testing.assert_array_equal(kept["cryosegment/ets"], [0.25, 1.5])
    again = open_particles(tmp_path / "kept.cs")
    again.write_part(tmp_path / "again.cs", np.array([False, True]), {"ETS": np.array([2.0, 3.0])})
    last = np.load(tmp_path / "again.cs")
    assert set(last.dtype.names) == set(kept.dtype.names)
    assert last["cryosegment/ets"] == [3.0]


def test_a_passthrough_file_of_other_particles(cryosparc, tmp_path, caplog):
    other = np.load(tmp_path / "J2_passthrough_particles.cs")[:2]
    np.save(tmp_path / "other.npy", other)
    shutil.move(tmp_path / "other.npy", tmp_path / "J2_passthrough_particles.cs")
    assert np.isnan(open_particles(cryosparc).stacks.defocus).all()
    assert "is left out" in caplog.text
    with pytest.raises(InputError, match="passthrough file of the same job"):
        open_particles(cryosparc, tmp_path / "J2_passthrough_particles.cs")


@pytest.mark.parametrize("name", ["0@a.mrcs", "x@a.mrcs", "-1@a.mrcs"])
def test_images_need_a_number_from_one(tmp_path, name):
    path = tmp_path / "a.star"
    path.write_text(f"data_\nloop_\n_rlnImageName\n_rlnMicrographName\n{name} b.mrc\n")
    with pytest.raises(InputError, match="expected the name of an image"):
        open_particles(path)


def test_files_without_images_are_refused(tmp_path):
    path = tmp_path / "a.star"
    path.write_text("data_\nloop_\n_rlnMicrographName\n_rlnCoordinateX\nb.mrc 1\n")
    with pytest.raises(InputError, match="column rlnImageName"):
        open_particles(path)
    path.write_text("data_\nloop_\n_rlnImageName\n_rlnMicrographName\n\n")
    with pytest.raises(InputError, match="no particles"):
        open_particles(path)
