# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that others have written are read as they were, and ours as others read them."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cryosegment.core.images.micrograph import read_image, write_image
from cryosegment.core.images.mrc import read_sections
from cryosegment.tests.damage import EXAMPLES

TYPES = st.sampled_from(("i1", "i2", "u2", "f2", "f4"))
SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)
IMAGES = TYPES.flatmap(lambda kind: arrays(kind, SHAPES, elements={"allow_nan": False}))
IMAGES_OF_ANY_ORDER = st.tuples(IMAGES, st.sampled_from("<>")).map(
    lambda drawn: drawn[0].astype(drawn[0].dtype.newbyteorder(drawn[1]))
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("round")


@EXAMPLES
@given(IMAGES_OF_ANY_ORDER, st.sampled_from((bytes, gzip.compress, bz2.compress)))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # mrcfile's statistics of huge pixels
def test_images_of_mrcfile(folder: Path, image: np.ndarray, pack: Callable[[bytes], bytes]) -> None:
    path = folder / "a.mrc"
    mrcfile.write(path, image, voxel_size=1.25, overwrite=True)
    path.write_bytes(pack(path.read_bytes()))
    found, pixel_size = read_image(path)
    np.testing.assert_array_equal(found, image)
    assert found.dtype == image.dtype.newbyteorder("=")
    assert pixel_size == pytest.approx(1.25)


@EXAMPLES
@given(IMAGES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_images_of_ours(folder: Path, image: np.ndarray) -> None:
    path = folder / "b.mrc"
    write_image(path, image, 1.25)
    assert mrcfile.validate(path)
    np.testing.assert_array_equal(mrcfile.read(path), image)


@EXAMPLES
@given(
    IMAGES.filter(lambda image: image.dtype != np.float16),
    st.sampled_from("<>"),
    st.booleans(),
    st.sampled_from((None, "zlib", "lzw", "zstd")),
    st.sampled_from((None, (16, 16))),
)
def test_images_of_tifffile(
    folder: Path,
    image: np.ndarray,
    order: str,
    is_big: bool,
    compression: str | None,
    tile: tuple[int, int] | None,
) -> None:
    """The last row of a TIFF is the first of RELION."""
    path = folder / "a.tif"
    options = {"byteorder": order, "bigtiff": is_big, "compression": compression, "tile": tile}
    tifffile.imwrite(path, image, photometric="minisblack", **options)
    np.testing.assert_array_equal(read_image(path)[0], tifffile.imread(path)[::-1])


@EXAMPLES
@given(arrays("f4", (5, 7, 7), elements={"allow_nan": False}), st.data())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_sections_of_stacks(folder: Path, images: np.ndarray, data: st.DataObject) -> None:
    numbers = np.array(data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=8)))
    mrcfile.write(folder / "a.mrcs", images, overwrite=True)
    np.testing.assert_array_equal(read_sections(folder / "a.mrcs", numbers), images[numbers])
