# SPDX-License-Identifier: GPL-3.0-or-later
import gzip
import itertools
import struct
from pathlib import Path

import gemmi
import mrcfile
import numpy as np
import pytest

from cryosegment.core.images.volume import coarsened, read_volume
from cryosegment.exchange.errors import InputError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).normal(size=(6, 8, 10)).astype(np.float32)
    mrcfile.write(tmp_path / "map.mrc", values, voxel_size=2.5)
    return tmp_path / "map.mrc"


def change(path: Path, word: int, *values: int) -> None:
    """Other integers in the header, from a word on; MRC counts from 1."""
    raw = bytearray(path.read_bytes())
    struct.pack_into(f"<{len(values)}i", raw, 4 * (word - 1), *values)
    path.write_bytes(raw)


def test_values_and_voxel_size(path: Path) -> None:
    volume, voxel_size = read_volume(path)
    np.testing.assert_array_equal(volume, mrcfile.read(path))
    assert voxel_size == pytest.approx(2.5)


def test_intervals_of_zero_are_voxels(path: Path) -> None:
    change(path, 8, 0, 0, 0)
    assert read_volume(path)[1] == pytest.approx(2.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("word", "values", "message"),
    [
        (1, (2_000_000_000,) * 3, "expected an MRC map"),
        (4, (77,), "MRC mode 77"),
        (8, (11,), "cubic voxel size"),
        (8, (-10, -8, -6), "cubic voxel size"),
        (11, (0, 0, 0), "cubic voxel size"),
        (24, (2**31 - 1,), "truncated"),
        (257, (0x7FC00000,), "found nan"),  # the first voxel
        (257, (0x54000000,), "to 2.2e\\+12"),
    ],
)
def test_headers_and_values_that_cannot_be(path: Path, word: int, values, message: str) -> None:
    change(path, word, *values)
    with pytest.raises(InputError, match=message):
        read_volume(path)


def test_cut_and_missing(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="truncated"):
        read_volume(path)
    for name in ("none.mrc", 300 * "x" + ".mrc"):
        with pytest.raises(InputError, match="found no file"):
            read_volume(path.with_name(name))


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))), ids=str)
def test_axes_in_any_order(path: Path, order: tuple[int, ...]) -> None:
    """As gemmi has them."""
    values = np.random.default_rng(0).normal(size=(6, 6, 6)).astype(np.float32)
    mrcfile.write(path, values, voxel_size=2.5, overwrite=True)
    change(path, 17, *order)
    expected = gemmi.read_ccp4_map(str(path), setup=True).grid
    volume, _ = read_volume(path)
    np.testing.assert_array_equal(volume, expected.array.transpose(2, 1, 0))


@pytest.mark.parametrize("order", [(0, 0, 0), (1, 1, 2), (9, -1, 3)])
def test_axes_that_are_none_are_those_of_most(path: Path, order: tuple[int, ...]) -> None:
    change(path, 17, *order)
    np.testing.assert_array_equal(read_volume(path)[0], mrcfile.read(path))


def test_what_follows_the_map_is_left_out(path: Path) -> None:
    values = mrcfile.read(path)
    path.write_bytes(path.read_bytes() + bytes(100))
    np.testing.assert_array_equal(read_volume(path)[0], values)


def test_a_packed_map_that_is_damaged(path: Path) -> None:
    packed = bytearray(gzip.compress(path.read_bytes()))
    packed[40:44] = bytes(4)
    path.write_bytes(packed)
    with pytest.raises(InputError, match="damaged"):
        read_volume(path)


@pytest.mark.parametrize("side", [40, 41])
def test_a_coarser_map_has_its_centre_where_it_was(side: int) -> None:
    """A smooth blob off the centre is sampled where the coarser voxels lie."""

    def blob(count: int, voxel_size: float) -> np.ndarray:
        axis = (np.arange(count) - count // 2) * voxel_size
        z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
        away = (z - 3) ** 2 + (y + 5) ** 2 + (x - 1) ** 2
        return np.exp(-away / (2 * 6.0**2)).astype(np.float32)

    coarse, voxel_size = coarsened(blob(side, 2.0), 2.0, 10.0)
    count = side + side % 2
    assert len(coarse) % 2 == 0
    assert voxel_size == pytest.approx(2.0 * count / len(coarse))
    assert 4.0 < voxel_size <= 5.0
    np.testing.assert_allclose(coarse, blob(len(coarse), voxel_size), atol=0.01)
    same, voxel_size = coarsened(blob(40, 2.0), 2.0, 3.0)
    np.testing.assert_allclose(same, blob(40, 2.0), atol=1e-5)
    assert voxel_size == 2.0


def test_a_map_that_is_no_cube_is_not_made_coarser(path: Path) -> None:
    with pytest.raises(InputError, match="expected a cubic map"):
        coarsened(*read_volume(path), 10.0)
