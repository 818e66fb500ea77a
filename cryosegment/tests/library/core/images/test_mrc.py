# SPDX-License-Identifier: GPL-3.0-or-later
import bz2
import gzip
import tracemalloc
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import torch

from cryosegment.core.images.micrograph import (
    read_image,
    read_micrograph,
)
from cryosegment.exchange.errors import InputError
from cryosegment.tests.mrc_files import SHAPE, change_header, make_mrc


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "uint16", "float16"])
def test_every_mode(tmp_path: Path, values: np.ndarray, dtype: str) -> None:
    data = (values % 100 if dtype == "uint16" else values).astype(dtype)
    path = make_mrc(tmp_path / "a.b.mrc", data)
    micrograph = read_micrograph(path)
    assert micrograph.image.dtype == torch.float32
    assert micrograph.pixel_size == pytest.approx(1.5)
    assert micrograph.name == "a.b"
    np.testing.assert_array_equal(micrograph.image.numpy(), data.astype(np.float32))
    image, pixel_size = read_image(path)
    assert image.dtype == data.dtype
    assert pixel_size == pytest.approx(1.5)


def test_unsigned_bytes(tmp_path: Path, values: np.ndarray) -> None:
    """IMOD's stamp without its flag of signed bytes, and a maximum that int8 cannot hold."""
    data = (values + 100).astype(np.uint8)
    path = make_mrc(tmp_path / "a.mrc", data.view(np.int8))
    raw = bytearray(path.read_bytes())
    raw[152:160] = np.array([1146047817, 0], "<i4").tobytes()
    path.write_bytes(raw)
    np.testing.assert_array_equal(read_image(path)[0], data)
    raw[156:160] = np.array([1], "<i4").tobytes()
    path.write_bytes(raw)
    np.testing.assert_array_equal(read_image(path)[0], data.view(np.int8))
    raw[152:160] = bytes(8)
    raw[76:84] = np.array([0, 199], "<f4").tobytes()
    path.write_bytes(raw)
    np.testing.assert_array_equal(read_image(path)[0], data)


@pytest.mark.parametrize("dtype", [">i2", ">f4"])
def test_big_endian(tmp_path: Path, values: np.ndarray, dtype: str) -> None:
    path = make_mrc(tmp_path / "a.mrc", values.astype(dtype))
    image, pixel_size = read_image(path)
    assert path.read_bytes()[212] == 0x11  # it is written big-endian
    assert image.dtype.isnative
    assert pixel_size == pytest.approx(1.5)
    np.testing.assert_array_equal(image, values)
    assert read_micrograph(path).image[3, 4] == values[3, 4]


def test_extended_header_and_bytes_after_the_data(tmp_path: Path, values: np.ndarray) -> None:
    path = tmp_path / "a.mrc"
    with mrcfile.new(path, data=values.astype("float32")) as mrc:
        mrc.set_extended_header(np.full(768, 7, np.uint8).view("V1"))
        mrc.voxel_size = 2
    with path.open("ab") as file:
        file.write(b"more")
    np.testing.assert_array_equal(read_micrograph(path).image.numpy(), values)


def test_wrong_machine_stamp_and_no_map_id(tmp_path: Path, values: np.ndarray) -> None:
    path = make_mrc(tmp_path / "a.mrc", values.astype("int16"))
    raw = bytearray(path.read_bytes())
    raw[208:216] = bytes(8)
    path.write_bytes(raw)
    np.testing.assert_array_equal(read_image(path)[0], values)


@pytest.mark.parametrize(("pack", "suffix"), [(gzip.compress, ".gz"), (bz2.compress, ".bz2")])
def test_packed(tmp_path: Path, values: np.ndarray, pack, suffix: str) -> None:
    plain = make_mrc(tmp_path / "a.mrc", values.astype("int16"))
    path = tmp_path / f"a.mrc{suffix}"
    path.write_bytes(pack(plain.read_bytes()))
    micrograph = read_micrograph(path)
    assert micrograph.name == "a"
    np.testing.assert_array_equal(micrograph.image.numpy(), values)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError, match="truncated"):
        read_micrograph(path)
    path.write_bytes(path.read_bytes()[:100] + b"xyzw" * 20)
    with pytest.raises(InputError, match="truncated or damaged"):
        read_micrograph(path)


def test_one_section_of_three_axes(tmp_path: Path, values: np.ndarray) -> None:
    path = make_mrc(tmp_path / "a.mrc", values.astype("int16")[None])
    assert read_micrograph(path).image.shape == SHAPE
    make_mrc(tmp_path / "stack.mrc", np.stack([values, values]).astype("int16"))
    with pytest.raises(InputError, match=r"stack.mrc holds 2 sections: average movies"):
        read_micrograph(tmp_path / "stack.mrc")


def test_given_pixel_size_wins_over_a_header_of_nonsense(
    tmp_path: Path, values: np.ndarray
) -> None:
    path = tmp_path / "a.mrc"
    for size in ((1.0, 1.2, 1.0), (-3.0, -3.0, 1.0), (np.nan, 1.0, 1.0), (np.inf, np.inf, 1.0)):
        with mrcfile.new(path, data=values.astype("int16"), overwrite=True) as mrc:
            mrc.voxel_size = size
        with pytest.raises(
            InputError, match=r"the header of .*a\.mrc has no pixel size, or pixels"
        ):
            read_micrograph(path)
        micrograph = read_micrograph(path, 1.1)
        assert (micrograph.pixel_size, micrograph.notes) == (1.1, ())


def test_intervals_of_zero_are_pixels(tmp_path: Path, values: np.ndarray) -> None:
    path = make_mrc(tmp_path / "a.mrc", values.astype("int16"), 2.5)
    assert read_micrograph(change_header(path, 8, 0, 0)).pixel_size == pytest.approx(2.5)


@pytest.mark.parametrize("width", [52, 51])
def test_four_bits(tmp_path: Path, values: np.ndarray, width: int) -> None:
    """Two pixels a byte, the first in its low half; an odd row leaves half a byte."""
    data = (values[:, :width] % 16).astype(np.uint8)
    padded = np.pad(data, ((0, 0), (0, width % 2)))
    packed = padded[:, 0::2] + 16 * padded[:, 1::2]
    path = make_mrc(tmp_path / "a.mrc", packed.view("int8"))
    change_header(path, 1, width, len(data), 1, 101, 0, 0, 0, width)
    image, _ = read_image(path)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, data)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="truncated"):
        read_image(path)


def test_truncated_mrc(tmp_path: Path, values: np.ndarray) -> None:
    path = make_mrc(tmp_path / "a.mrc", values.astype("int16"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(InputError, match="expected 4160 bytes of image, found 4150"):
        read_micrograph(path)
    path.write_bytes(whole[:500])
    with pytest.raises(InputError, match="too short"):
        read_micrograph(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="too short"):
        read_micrograph(path)


def test_a_size_that_only_the_header_has(tmp_path: Path, values: np.ndarray) -> None:
    path = make_mrc(tmp_path / "a.mrc", values.astype("int16"))
    with pytest.raises(InputError, match="truncated"):
        read_micrograph(change_header(path, 1, 16_000, 16_000))
    with pytest.raises(InputError, match="says 900000 x 800000: it is damaged"):
        read_micrograph(change_header(path, 1, 800_000, 900_000))
    change_header(path, 1, 52, 40)
    with pytest.raises(InputError, match="truncated"):
        read_micrograph(change_header(path, 24, 2**30))  # the extended header


@pytest.mark.parametrize(("opener", "suffix"), [(gzip.open, "gz"), (bz2.open, "bz2")])
def test_packed_zeros_without_end(tmp_path: Path, values, opener, suffix: str) -> None:
    """A packed file is read as far as its header asks for."""
    plain = make_mrc(tmp_path / "a.mrc", values.astype("int16")).read_bytes()
    path = tmp_path / f"a.mrc.{suffix}"
    with opener(path, "wb") as file:
        file.write(plain)
        for _ in range(32):
            file.write(bytes(2**20))
    tracemalloc.start()
    try:
        np.testing.assert_array_equal(read_image(path)[0], values)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()
