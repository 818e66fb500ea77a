# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.cryosparc import centers_and_shapes, first_field, read_fields, read_table
from cryosegment.exchange.errors import InputError


@pytest.fixture
def save(tmp_path):
    """Write a table under a name."""

    def written(table, name="particles.cs", **options):
        with (tmp_path / name).open("wb") as stream:
            np.save(stream, table, **options)
        return tmp_path / name

    return written


def particles(*fields):
    table = np.zeros(2, [("uid", "<u8"), *fields])
    table["uid"] = [7, 9]
    return table


def test_headers_of_hundreds_of_classes_are_read(save):
    """They are longer than numpy reads unasked."""
    fields = [(f"alignments_class_{i}/class_posterior", "<f4") for i in range(400)]
    path = save(particles(*fields))
    with pytest.raises(ValueError, match="header"):
        np.load(path)
    assert len(read_table(path).dtype.names) == 401


def test_what_cannot_be_read_says_how_to_save_it(save, tmp_path):
    path = save(particles(("location/micrograph_path", "O")), allow_pickle=True)
    with pytest.raises(InputError, match=r"Python objects.* Dataset\.load\(file\)\.save"):
        read_table(path)
    compressed = tmp_path / "new.cs"
    compressed.write_bytes(b"\x94CSDAT" + bytes(50))
    with pytest.raises(InputError, match=r"compressed format: .*Dataset\.load\(file\)\.save"):
        read_table(compressed)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"uid,x,y\n1,2,3\n",
        b"\x93NUMPY\x01\x00\x10\x00{'descr': broken",
        b"\x93NUMPY\x01\x00\x46\x00"
        + b"{'descr': [('uid', '<u8')], 'fortran_order': False, 'shape': (9,)}   \n",
    ],
)
def test_other_and_damaged_files_are_refused_in_a_line(tmp_path, content):
    """The last holds less than its header says."""
    (tmp_path / "a.cs").write_bytes(content)
    with pytest.raises(InputError, match="as numpy reads it") as raised:
        read_table(tmp_path / "a.cs")
    assert "\n" not in str(raised.value)


def test_plain_numbers_are_no_particles(save):
    with pytest.raises(InputError, match="named fields"):
        read_table(save(np.zeros(3)))


def test_a_missing_field_is_taken_from_the_passthrough_file_beside(save):
    path = save(particles())
    other = particles(("blob/idx", "<u4"))[::-1].copy()
    other["blob/idx"] = [2, 1]
    save(other, "J1_passthrough_particles.cs")
    assert read_fields(path, "", ["blob/idx"])["blob/idx"].tolist() == [1, 2]
    save(other, "J2_passthrough_particles.cs")
    with pytest.raises(InputError, match=r"blob/idx .* 2 passthrough files .* --passthrough"):
        read_fields(path, "", ["blob/idx"])


def test_centers_are_parts_of_the_micrograph_where_its_shape_is_unknown():
    fields = {
        "location/center_y_frac": np.array([0.5, 0.25], np.float32),
        "location/center_x_frac": np.array([0.25, 0.75], np.float32),
        "location/micrograph_shape": np.array([[100, 200], [0, 0]]),
    }
    centers_yx, shapes = centers_and_shapes(fields)
    assert centers_yx.tolist() == [[50, 50], [0.25, 0.75]]
    assert shapes.tolist() == [[100, 200], [1, 1]]
    del fields["location/micrograph_shape"]
    assert centers_and_shapes(fields)[1].tolist() == [[1, 1], [1, 1]]


def test_the_first_field_that_is_there():
    fields = {"a": np.array([1, 2]), "b": np.array([3, 4])}
    assert first_field(fields, ("c", "b", "a")).tolist() == [3, 4]
    assert np.isnan(first_field(fields, ("c",))).tolist() == [True, True]
