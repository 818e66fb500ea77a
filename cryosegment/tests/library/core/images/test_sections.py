# SPDX-License-Identifier: GPL-3.0-or-later
import gzip

import mrcfile
import numpy as np
import pytest

from cryosegment.core.images.mrc import read_sections
from cryosegment.exchange.errors import InputError


@pytest.fixture
def stack(tmp_path):
    """A stack as mrcfile writes it, and what is in it."""
    images = np.arange(7 * 3 * 5).reshape(7, 3, 5).astype(np.int16)
    with mrcfile.new(tmp_path / "a.mrcs") as file:
        file.set_data(images)
        file.set_image_stack()
        file.set_extended_header(np.zeros(40, np.uint8))
    return tmp_path / "a.mrcs", images


@pytest.mark.parametrize("numbers", [[0], [6], [0, 1, 2, 3, 4, 5, 6], [5, 2, 3, 4, 2], [1, 0]])
def test_images_come_in_the_order_that_is_asked_for(stack, numbers):
    path, images = stack
    found = read_sections(path, np.array(numbers))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, images[numbers])


@pytest.mark.parametrize("kind", [np.int8, np.uint16, np.float16, np.float32, ">f4"])
def test_all_kinds_of_pixels_packed_and_not(tmp_path, kind):
    images = np.arange(24).reshape(2, 3, 4).astype(kind)
    mrcfile.write(tmp_path / "b.mrcs", images)
    (tmp_path / "b.mrcs.gz").write_bytes(gzip.compress((tmp_path / "b.mrcs").read_bytes()))
    for name in ("b.mrcs", "b.mrcs.gz"):
        np.testing.assert_array_equal(read_sections(tmp_path / name, np.array([1])), images[1:])


def test_what_is_not_there_is_said(stack):
    path, _ = stack
    with pytest.raises(InputError, match=r"expected image 8 in .*, which holds 7"):
        read_sections(path, np.array([0, 7]))
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(InputError, match="truncated"):
        read_sections(path, np.array([5, 6]))
    assert len(read_sections(path, np.array([5]))) == 1
