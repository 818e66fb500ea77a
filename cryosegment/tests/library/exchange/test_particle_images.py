# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.particles import (
    ParticleImages,
    read_particle_images,
    read_particle_masks,
    read_particles,
    write_particle_masks,
)
from cryosegment.exchange.star import read_star, write_star

COLUMNS = {
    "rlnImageName": ["000002@Extract/a.mrcs", "000001@Extract/b.mrcs"],
    "rlnAngleRot": [1, 2],
    "rlnAngleTilt": [3, 4],
    "rlnAnglePsi": [5, 6],
    "rlnOriginXAngst": [7, 8],
    "rlnOriginYAngst": [9, 10],
    "rlnOpticsGroup": [2, 1],
}
OPTICS = {
    "rlnOpticsGroup": [1, 2],
    "rlnImagePixelSize": [1.5, 3.0],
    "rlnImageSize": [256, 128],
}


def test_relion_images_need_no_coordinates(tmp_path):
    write_star(tmp_path / "p.star", {"optics": OPTICS, "particles": COLUMNS})
    found = read_particle_images(tmp_path / "p.star")
    assert found.names == tuple(COLUMNS["rlnImageName"])
    assert found.stack(1) == "Extract/b.mrcs"
    np.testing.assert_array_equal(found.box_sizes, [128, 256])
    np.testing.assert_array_equal(found.particles.pixel_sizes, [3.0, 1.5])
    np.testing.assert_array_equal(found.particles.shifts_yx, [[9, 7], [10, 8]])
    np.testing.assert_array_equal(found.particles.angles, [[1, 3, 5], [2, 4, 6]])
    assert np.isnan(found.particles.centers_yx).all()
    assert found.particles.micrographs == ("a", "b")
    chosen = found.select([False, True])
    assert (chosen.names, list(chosen.box_sizes)) == (("000001@Extract/b.mrcs",), [256])


def test_relion_30_does_not_say_the_side(tmp_path):
    columns = {name: cells for name, cells in COLUMNS.items() if "Angst" not in name}
    del columns["rlnOpticsGroup"]
    write_star(tmp_path / "p.star", {"": {**columns, "rlnOriginX": [1, 2], "rlnOriginY": [3, 4]}})
    with pytest.raises(InputError, match="--particle-pixel-size"):
        read_particle_images(tmp_path / "p.star")
    found = read_particle_images(tmp_path / "p.star", pixel_size=2.0)
    np.testing.assert_array_equal(found.box_sizes, [0, 0])
    np.testing.assert_array_equal(found.particles.shifts_yx, [[6, 2], [8, 4]])


def test_what_relion_images_need(tmp_path):
    columns = {name: cells for name, cells in COLUMNS.items() if name != "rlnImageName"}
    write_star(tmp_path / "p.star", {"optics": OPTICS, "particles": columns})
    with pytest.raises(InputError, match=r"rlnImageName .* not found"):
        read_particle_images(tmp_path / "p.star")
    columns = {name: cells for name, cells in COLUMNS.items() if name != "rlnAngleRot"}
    write_star(tmp_path / "p.star", {"optics": OPTICS, "particles": columns})
    with pytest.raises(InputError, match="rlnAngleRot"):
        read_particle_images(tmp_path / "p.star")
    # without an optics group the pixel size is unknown, which only images need
    del columns["rlnOpticsGroup"]
    write_star(tmp_path / "p.star", {"particles": {**columns, "rlnAngleRot": [0, 0]}})
    with pytest.raises(InputError, match="pixel size of the particle images"):
        read_particle_images(tmp_path / "p.star")


POSE_TYPE = [
    ("uid", "<u8"),
    ("alignments3D/pose", "<f4", (3,)),
    ("alignments3D/shift", "<f4", (2,)),
    ("alignments3D/psize_A", "<f4"),
]
BLOB_TYPE = [
    ("blob/path", "S30"),
    ("blob/idx", "<u4"),
    ("blob/shape", "<u4", (2,)),
    ("blob/psize_A", "<f4"),
]


def write_cryosparc(path, kinds):
    values = np.zeros(2, kinds)
    values["uid"] = [4, 5]
    fields = {
        "alignments3D/pose": [[0.3, -0.5, 1.1], [0, 0, 0]],
        "alignments3D/shift": [[4, -2], [0, 1]],
        "alignments3D/psize_A": 2.5,
        "blob/path": [b">J2/extract/a.mrc", b"J2/extract/b.mrc"],
        "blob/idx": [0, 41],
        "blob/shape": 64,
        "blob/psize_A": 5.0,
    }
    for name, cells in fields.items():
        if name in values.dtype.names:
            values[name] = cells
    with path.open("wb") as stream:
        np.save(stream, values)


@pytest.mark.parametrize("is_apart", [False, True])
def test_cryosparc_images_binned_after_the_refinement(tmp_path, is_apart):
    """Shifts count pixels of the refinement, the images have their own."""
    if is_apart:
        write_cryosparc(tmp_path / "J3_particles.cs", POSE_TYPE)
        write_cryosparc(tmp_path / "J3_passthrough_particles.cs", [POSE_TYPE[0], *BLOB_TYPE])
    else:
        write_cryosparc(tmp_path / "J3_particles.cs", [*POSE_TYPE, *BLOB_TYPE])
    found = read_particle_images(tmp_path / "J3_particles.cs")
    assert found.names == ("000001@J2/extract/a.mrc", "000042@J2/extract/b.mrc")
    np.testing.assert_array_equal(found.box_sizes, [64, 64])
    np.testing.assert_array_equal(found.particles.pixel_sizes, [5.0, 5.0])
    np.testing.assert_allclose(found.particles.shifts_yx, [[-5, 10], [2.5, 0]])
    assert found.particles.micrographs == ("a", "b")


def test_cryosparc_poses_without_images(tmp_path):
    write_cryosparc(tmp_path / "p.cs", POSE_TYPE)
    with pytest.raises(InputError, match=r"blob/path .*--passthrough"):
        read_particle_images(tmp_path / "p.cs")


def test_real_files(shared_data):
    folder = shared_data / "particles"
    found = read_particle_images(folder / "cryodrgn_cryosparc_P12_J24_001_particles.cs")
    assert set(found.box_sizes) == {180}
    assert found.particles.pixel_sizes[0] == pytest.approx(2.95)
    found = read_particle_images(folder / "cryodrgn_relion31.star")
    assert set(found.box_sizes) == {256}
    assert found.particles.pixel_sizes[0] == pytest.approx(2.806)


def test_masks_are_written_beside_their_images(tmp_path):
    write_star(tmp_path / "p.star", {"optics": OPTICS, "particles": COLUMNS})
    images = read_particle_images(tmp_path / "p.star")
    masks = ["000001@masks_2.mrcs", "000001@masks_1.mrcs"]
    write_particle_masks(tmp_path / "masks.star", images, masks)
    rows = read_star(tmp_path / "masks.star")["particles"]
    assert rows["rlnImageOriginalName"] == COLUMNS["rlnImageName"]
    again = read_particle_images(tmp_path / "masks.star")
    assert again.names == tuple(masks)
    np.testing.assert_array_equal(again.box_sizes, images.box_sizes)
    np.testing.assert_array_equal(again.particles.pixel_sizes, images.particles.pixel_sizes)
    np.testing.assert_allclose(again.particles.shifts_yx, images.particles.shifts_yx)
    np.testing.assert_allclose(again.particles.angles, images.particles.angles)
    found = read_particle_masks(tmp_path / "masks.star")
    assert [found.masks[row] for row in (0, 1)] == ["masks_2.mrcs", "masks_1.mrcs"]
    assert [found.images[row] for row in (0, 1)] == ["Extract/a.mrcs", "Extract/b.mrcs"]
    assert (found.mask_positions.tolist(), found.image_positions.tolist()) == ([0, 0], [1, 0])
    assert [found.micrographs[row] for row in (0, 1)] == ["a", "b"]
    np.testing.assert_array_equal(found.pixel_sizes, [3.0, 1.5])
    with pytest.raises(InputError, match="made by `cryosegment labels project`"):
        read_particle_masks(tmp_path / "p.star")


def test_fields_must_fit(shared_data):
    particles = read_particles(shared_data / "empiar10017" / "poses_relion31.star")
    with pytest.raises(InputError, match="an image and a box size"):
        ParticleImages(particles, ("1@a",), np.zeros(1))
