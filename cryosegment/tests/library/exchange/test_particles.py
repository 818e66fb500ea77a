# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.particles import (
    Particles,
    angles_from_matrices,
    matrices_from_vectors,
    poses_from_transforms,
    read_particles,
    split_by_micrograph,
    write_particles,
)
from cryosegment.exchange.star import write_star

PARTICLE_COLUMNS = {
    "rlnMicrographName": ["Micrographs/a.mrc", "Micrographs/a.mrc", "b.mrc"],
    "rlnCoordinateX": [10, 20, 30],
    "rlnCoordinateY": [100, 200, 300],
    "rlnAngleRot": [1, 2, 3],
    "rlnAngleTilt": [4, 5, 6],
    "rlnAnglePsi": [7, 8, 9],
}


def relion_matrices(angles):
    """RELION's matrix by scipy: ZYZ turns of the axes, so the inverse of turns of the body."""
    return Rotation.from_euler("ZYZ", angles, degrees=True).inv().as_matrix()


def particles(count=3, **changes):
    values = {
        "micrographs": tuple("abc"[:count]),
        "centers_yx": np.arange(2 * count).reshape(-1, 2),
        "angles": np.arange(3 * count).reshape(-1, 3),
        "shifts_yx": np.ones((count, 2)),
        "pixel_sizes": np.full(count, 2.0),
        "scores": np.linspace(0, 1, count),
        "rows": np.arange(1, count + 1),
        "shapes": np.zeros((count, 2)),
    }
    return Particles(**{**values, **changes})


def test_relion_31_has_shifts_in_angstrom_and_optics_groups(tmp_path):
    optics = {"rlnOpticsGroup": [1, 2], "rlnImagePixelSize": [1.5, 3.0]}
    block = {
        **PARTICLE_COLUMNS,
        "rlnOpticsGroup": [1, 2, 1],
        "rlnOriginXAngst": [1, 2, 3],
        "rlnOriginYAngst": [-1, -2, -3],
        "rlnAutopickFigureOfMerit": [0.5, 0.25, 0.125],
    }
    write_star(tmp_path / "p.star", {"optics": optics, "particles": block})
    found = read_particles(tmp_path / "p.star")
    assert found.micrographs == ("a", "a", "b")
    np.testing.assert_array_equal(found.centers_yx, [[100, 10], [200, 20], [300, 30]])
    np.testing.assert_array_equal(found.angles, [[1, 4, 7], [2, 5, 8], [3, 6, 9]])
    assert found.classes.tolist() == [-1, -1, -1]
    np.testing.assert_array_equal(found.pixel_sizes, [1.5, 3, 1.5])
    np.testing.assert_array_equal(found.scores, [0.5, 0.25, 0.125])
    # on micrographs of 1 Å/px
    np.testing.assert_array_equal(found.refined_centers_yx(1.0), [[101, 9], [202, 18], [303, 27]])


def test_relion_30_has_shifts_in_particle_pixels(tmp_path):
    block = {
        **PARTICLE_COLUMNS,
        "rlnOriginX": [1, 2, 0],
        "rlnOriginY": [-1, 0, 3],
        "rlnDetectorPixelSize": [5.0] * 3,
        "rlnMagnification": [20_000, 20_000, 10_000],
    }
    write_star(tmp_path / "p.star", {"": block})
    found = read_particles(tmp_path / "p.star")
    np.testing.assert_allclose(found.pixel_sizes, [2.5, 2.5, 5.0])
    np.testing.assert_allclose(found.shifts_yx, [[-2.5, 2.5], [0, 5], [15, 0]])
    binned = read_particles(tmp_path / "p.star", pixel_size=10.0)
    np.testing.assert_allclose(binned.shifts_yx, [[-10, 10], [0, 20], [30, 0]])


def test_shifts_in_pixels_of_unknown_size_are_refused(tmp_path):
    block = {**PARTICLE_COLUMNS, "rlnOriginX": [1, 2, 0], "rlnOriginY": [0, 0, 0]}
    write_star(tmp_path / "p.star", {"": block})
    with pytest.raises(InputError, match="--particle-pixel-size"):
        read_particles(tmp_path / "p.star")


def test_the_name_of_the_stack_stands_for_that_of_the_micrograph(tmp_path):
    block = {key: cells for key, cells in PARTICLE_COLUMNS.items() if "Micrograph" not in key}
    block["rlnImageName"] = ["1@Extract/job1/a.mrcs", "2@Extract/job1/a.mrcs", "1@b.mrcs"]
    write_star(tmp_path / "p.star", {"particles": block})
    assert read_particles(tmp_path / "p.star").micrographs == ("a", "a", "b")


def test_what_is_no_number_is_nan_and_kept(tmp_path):
    block = {**PARTICLE_COLUMNS, "rlnAngleTilt": ["nan", 5, 6], "rlnCoordinateX": [1, "inf", 3]}
    write_star(tmp_path / "p.star", {"particles": block})
    found = read_particles(tmp_path / "p.star")
    assert len(found) == 3
    assert np.isnan(found.angles[0, 1])
    assert np.isnan(found.centers_yx[1, 1])


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("rlnAngleRot", "no orientations"),
        ("rlnCoordinateX", "no coordinates"),
        ("rlnMicrographName", "which micrographs"),
    ],
)
def test_columns_that_are_needed(tmp_path, missing, message):
    block = {key: cells for key, cells in PARTICLE_COLUMNS.items() if key != missing}
    write_star(tmp_path / "p.star", {"particles": block})
    with pytest.raises(InputError, match=message):
        read_particles(tmp_path / "p.star")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rlnAngleRot": ["left", 2, 3]}, "expected a number in column rlnAngleRot"),
        ({"rlnOpticsGroup": [1, 1, 9]}, "optics group 9"),
        ({"rlnOpticsGroup": [2, 2, 2]}, "pixel size 0"),
        ({key: [] for key in PARTICLE_COLUMNS}, "no particles"),
    ],
)
def test_files_that_cannot_be(tmp_path, changes, message):
    optics = {"rlnOpticsGroup": [1, 2], "rlnImagePixelSize": [1.5, 0.0]}
    block = {**PARTICLE_COLUMNS, **changes}
    write_star(tmp_path / "p.star", {"optics": optics, "particles": block})
    with pytest.raises(InputError, match=message):
        read_particles(tmp_path / "p.star")


def test_a_score_is_found_by_its_name(tmp_path):
    """Left out, that of the poses counts before that of the picks; without any it is unknown."""
    block = {**PARTICLE_COLUMNS, "rlnMaxValueProbDistribution": [3, 2, 1], "rlnOther": [4, 5, 6]}
    block["rlnAutopickFigureOfMerit"] = [7, 8, 9]
    write_star(tmp_path / "p.star", {"particles": block})
    path = tmp_path / "p.star"
    np.testing.assert_array_equal(read_particles(path).scores, [3, 2, 1])
    np.testing.assert_array_equal(read_particles(path, score="rlnOther").scores, [4, 5, 6])
    np.testing.assert_array_equal(read_particles(path, score="Other").scores, [4, 5, 6])
    picked = {**PARTICLE_COLUMNS, "rlnAutopickFigureOfMerit": [7, 8, 9]}
    write_star(tmp_path / "picked.star", {"particles": picked})
    np.testing.assert_array_equal(read_particles(tmp_path / "picked.star").scores, [7, 8, 9])
    write_star(tmp_path / "bare.star", {"particles": PARTICLE_COLUMNS})
    assert np.isnan(read_particles(tmp_path / "bare.star").scores).all()
    with pytest.raises(InputError, match="--score"):
        read_particles(path, score="nothing")


def test_what_is_written_is_read_again(tmp_path):
    before = particles(pixel_sizes=[2.0, 3.0, 2.0], classes=[3, 1, 3])
    write_particles(tmp_path / "p.star", before)
    after = read_particles(tmp_path / "p.star")
    for name in ("centers_yx", "angles", "shifts_yx", "pixel_sizes", "scores", "classes"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=1e-6)
    assert after.micrographs == before.micrographs


CS_TYPE = [
    ("uid", "<u8"),
    ("alignments3D/pose", "<f4", (3,)),
    ("alignments3D/shift", "<f4", (2,)),
    ("alignments3D/psize_A", "<f4"),
]
LOCATION_TYPE = [
    ("uid", "<u8"),
    ("location/micrograph_path", "S60"),
    ("location/center_x_frac", "<f4"),
    ("location/center_y_frac", "<f4"),
    ("location/micrograph_shape", "<u4", (2,)),
]


@pytest.fixture
def cryosparc(tmp_path):
    """Two particles and, in other order and with a third, where they lie."""
    main = np.zeros(2, CS_TYPE)
    main["uid"] = [7, 9]
    main["alignments3D/pose"] = [[0.3, -0.5, 1.1], [0, 0, 0]]
    main["alignments3D/shift"] = [[4, -2], [0, 1]]
    main["alignments3D/psize_A"] = 2.5
    other = np.zeros(3, LOCATION_TYPE)
    other["uid"] = [9, 8, 7]
    other["location/micrograph_path"] = [b"J2/b.mrc", b"J2/a.mrc", b"J2/00123_a.mrc"]
    other["location/center_x_frac"] = [0.5, 0.1, 0.25]
    other["location/center_y_frac"] = [0.25, 0.1, 0.125]
    other["location/micrograph_shape"] = [1000, 2000]  # rows, columns
    for name, values in (("J3_particles.cs", main), ("J3_passthrough_particles.cs", other)):
        with (tmp_path / name).open("wb") as stream:
            np.save(stream, values)
    return tmp_path


def test_cryosparc_is_joined_with_its_passthrough_file(cryosparc):
    found = read_particles(cryosparc / "J3_particles.cs")
    assert found.micrographs == ("00123_a", "b")
    np.testing.assert_allclose(found.centers_yx, [[125, 500], [250, 1000]])
    np.testing.assert_allclose(found.shifts_yx, [[-5, 10], [2.5, 0]])
    np.testing.assert_array_equal(found.shapes, [[1000, 2000]] * 2)
    # the pose turns the image back onto the reference
    expected = Rotation.from_rotvec([[0.3, -0.5, 1.1], [0, 0, 0]]).inv().as_matrix()
    np.testing.assert_allclose(relion_matrices(found.angles), expected, atol=1e-6)


def with_fields(cryosparc, fields):
    """The particles with more fields."""
    main = np.load(cryosparc / "J3_particles.cs")
    more = np.zeros(len(main), [*CS_TYPE, *((name, "<u4") for name in fields)])
    for name in main.dtype.names:
        more[name] = main[name]
    for name, values in fields.items():
        more[name] = values
    with (cryosparc / "J3_particles.cs").open("wb") as stream:
        np.save(stream, more)
    return read_particles(cryosparc / "J3_particles.cs")


def test_classes_of_cryosparc(cryosparc):
    """Those of 3-D alignments count, else those of 2-D ones; both begin with 0."""
    assert read_particles(cryosparc / "J3_particles.cs").classes.tolist() == [-1, -1]
    found = with_fields(cryosparc, {"alignments2D/class": [4, 0], "alignments3D/class": [0, 2]})
    assert found.classes.tolist() == [0, 2]


def test_2d_classes_of_cryosparc(cryosparc):
    assert with_fields(cryosparc, {"alignments2D/class": [4, 0]}).classes.tolist() == [4, 0]


def test_cryosparc_without_locations_asks_for_them(cryosparc):
    (cryosparc / "J3_passthrough_particles.cs").rename(cryosparc / "else.cs")
    with pytest.raises(InputError, match="--passthrough"):
        read_particles(cryosparc / "J3_particles.cs")
    assert len(read_particles(cryosparc / "J3_particles.cs", cryosparc / "else.cs")) == 2


def test_a_passthrough_file_of_another_job_is_refused(cryosparc):
    other = np.zeros(1, LOCATION_TYPE)
    with (cryosparc / "other.cs").open("wb") as stream:
        np.save(stream, other)
    with pytest.raises(InputError, match="2 of 2 particles"):
        read_particles(cryosparc / "J3_particles.cs", cryosparc / "other.cs")


def test_no_pickle_is_loaded(tmp_path):
    with (tmp_path / "p.cs").open("wb") as stream:
        np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="Python objects"):
        read_particles(tmp_path / "p.cs")


def test_real_cryosparc_poses(shared_data, tmp_path):
    name = "cryodrgn_cryosparc_P12_J24_001_particles.cs"
    main = np.load(shared_data / "particles" / name)
    other = np.zeros(len(main), LOCATION_TYPE)
    other["uid"] = main["uid"]
    other["location/micrograph_shape"] = 4000
    other["location/center_x_frac"] = other["location/center_y_frac"] = 0.5
    with (tmp_path / "passthrough.cs").open("wb") as stream:
        np.save(stream, other)
    found = read_particles(shared_data / "particles" / name, tmp_path / "passthrough.cs")
    assert len(found) == 2019
    np.testing.assert_allclose(found.shifts_yx[0], [-1.828125 * 2.95, 11.334375 * 2.95], rtol=1e-6)


def test_euler_angles_of_matrices():
    angles = np.array([[10, 20, 30], [-170, 95, 171], [0, 0, 40], [0, 180, -25], [33, 179.9, 2]])
    np.testing.assert_allclose(angles_from_matrices(relion_matrices(angles)), angles, atol=1e-6)


def test_poses_of_scipion_alignments():
    """Scipion keeps the inverse of RELION's rotation and shift."""
    angles = np.array([[10, 20, 30], [-170, 95, 171]])
    shifts_px = np.array([[1.5, -2.0], [0.0, 4.0]])
    forward = np.tile(np.eye(4), (2, 1, 1))
    forward[:, :3, :3] = relion_matrices(angles)
    forward[:, 1::-1, 3] = -shifts_px
    found, shifts_yx = poses_from_transforms(list(np.linalg.inv(forward)), 2.5)
    np.testing.assert_allclose(found, angles, atol=1e-6)
    np.testing.assert_allclose(shifts_yx, 2.5 * shifts_px, atol=1e-9)


def test_rotation_vectors():
    vectors = np.random.default_rng(0).normal(size=(20, 3))
    expected = Rotation.from_rotvec(vectors).inv().as_matrix()
    np.testing.assert_allclose(matrices_from_vectors(vectors), expected, atol=1e-12)


def test_flipping_mirrors_the_image():
    before = particles(angles=[[10, 20, 30], [-50, 130, 70], [3, 90, -120]])
    after = before.flipped(100)
    mirror = np.diag([1, -1, -1])
    np.testing.assert_allclose(
        relion_matrices(after.angles), mirror @ relion_matrices(before.angles), atol=1e-9
    )
    np.testing.assert_array_equal(
        after.refined_centers_yx(2.0)[:, 0], 99 - before.refined_centers_yx(2.0)[:, 0]
    )
    np.testing.assert_array_equal(after.centers_yx[:, 1], before.centers_yx[:, 1])


def test_fields_must_fit():
    with pytest.raises(InputError, match="angles of 3 particles"):
        particles(angles=np.zeros((2, 3)))


def test_selection():
    chosen = particles().select([False, True, True])
    assert chosen.micrographs == ("b", "c")
    np.testing.assert_array_equal(chosen.rows, [2, 3])
    assert len(particles().select([])) == 0


def test_particles_of_micrographs_that_were_not_given_are_apart():
    own, elsewhere = split_by_micrograph(particles(), ["a", "1_c"])
    assert {name: tuple(some.rows) for name, some in own.items()} == {"a": (1,), "1_c": (3,)}
    assert own["1_c"].micrographs == ("1_c",)
    assert elsewhere.micrographs == ("b",)


def test_relion_says_the_pixel_size_of_the_micrographs(tmp_path):
    """That of the averaged ones before that of the movies, which may have been binned."""
    blocks = {
        "optics": {"rlnOpticsGroup": [1], "rlnMicrographOriginalPixelSize": [1.77]},
        "particles": {**PARTICLE_COLUMNS, "rlnOpticsGroup": [1, 1, 1]},
    }
    write_star(tmp_path / "p.star", blocks)
    assert read_particles(tmp_path / "p.star").micrograph_pixel_sizes.tolist() == [1.77] * 3
    blocks["optics"]["rlnMicrographPixelSize"] = [3.54]
    write_star(tmp_path / "p.star", blocks)
    assert read_particles(tmp_path / "p.star").micrograph_pixel_sizes.tolist() == [3.54] * 3
    del blocks["optics"]
    write_star(tmp_path / "p.star", blocks)
    assert np.isnan(read_particles(tmp_path / "p.star").micrograph_pixel_sizes).all()


def test_cryosparc_says_the_pixel_size_of_the_micrographs(cryosparc):
    found = with_fields(cryosparc, {"location/micrograph_psize_A": [2, 2]})
    assert found.micrograph_pixel_sizes.tolist() == [2.0, 2.0]


def test_optics_groups_written_as_floats_are_the_same(tmp_path):
    """As tools write whole tables; RELION reads them as integers."""
    optics = {"rlnOpticsGroup": [1, 2], "rlnImagePixelSize": [1.5, 3.0]}
    block = {**PARTICLE_COLUMNS, "rlnOpticsGroup": [1.0, 2.0, 1.0]}
    write_star(tmp_path / "p.star", {"optics": optics, "particles": block})
    assert read_particles(tmp_path / "p.star").pixel_sizes.tolist() == [1.5, 3.0, 1.5]


def test_minus_999_is_no_angle_score_or_class(tmp_path):
    block = {
        **PARTICLE_COLUMNS,
        "rlnAnglePsi": [-999.0, 8, 9],
        "rlnClassNumber": [-999, 2, 3],
        "rlnAutopickFigureOfMerit": [-999.0, 0.5, -1.0],
    }
    write_star(tmp_path / "p.star", {"particles": block})
    found = read_particles(tmp_path / "p.star")
    np.testing.assert_array_equal(found.angles[:, 2], [np.nan, 8, 9])
    np.testing.assert_array_equal(found.scores, [np.nan, 0.5, -1])
    assert found.classes.tolist() == [-1, 2, 3]


def test_particles_of_tomograms_are_refused(tmp_path):
    block = {**PARTICLE_COLUMNS, "rlnTomoName": ["t"] * 3}
    write_star(tmp_path / "p.star", {"particles": block})
    with pytest.raises(InputError, match="tomograms"):
        read_particles(tmp_path / "p.star")


def test_cryosparc_without_a_shape_counts_parts_of_the_sides(cryosparc):
    path = cryosparc / "J3_passthrough_particles.cs"
    other = np.load(path)
    other["location/micrograph_shape"] = 0
    with path.open("wb") as stream:
        np.save(stream, other)
    found = read_particles(cryosparc / "J3_particles.cs")
    np.testing.assert_allclose(found.centers_yx, [[0.125, 0.25], [0.25, 0.5]])
    assert found.shapes.tolist() == [[1, 1], [1, 1]]
