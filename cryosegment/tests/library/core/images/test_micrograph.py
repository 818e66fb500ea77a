# SPDX-License-Identifier: GPL-3.0-or-later
import bz2
import gzip
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import mrcfile
import numpy as np
import pytest
import tifffile
import torch

from cryosegment.core.images.micrograph import read_image, read_micrograph, write_image
from cryosegment.exchange.errors import InputError

SHAPE = (40, 52)


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(8).integers(-100, 100, SHAPE)


def make_mrc(path: Path, data: np.ndarray, pixel_size: float = 1.5) -> Path:
    with mrcfile.new(path, data=data) as mrc:
        mrc.voxel_size = pixel_size
    return path


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


def test_pixel_size_and_name_given_win(tmp_path: Path, values: np.ndarray) -> None:
    path = make_mrc(tmp_path / "a.mrc", values.astype("int16"))
    micrograph = read_micrograph(path, 0.9, "other")
    assert (micrograph.pixel_size, micrograph.name) == (0.9, "other")


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


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float16"])
def test_tiff(tmp_path: Path, values: np.ndarray, dtype: str) -> None:
    path = tmp_path / "a.tif"
    data = (values + 100).astype(dtype)
    tifffile.imwrite(path, data)
    np.testing.assert_array_equal(read_micrograph(path, 1.0).image.numpy(), data)
    with pytest.raises(InputError, match="give --pixel-size"):
        read_micrograph(path)


@pytest.mark.parametrize(
    ("resolution", "unit", "metadata", "imagej", "expected"),
    [
        ((1e8 / 1.25, 1e8 / 1.25), "CENTIMETER", None, False, 1.25),
        ((72, 72), "INCH", None, False, 0.0),
        ((1 / 0.3, 1 / 0.3), None, {"unit": "nm"}, True, 3.0),
    ],
)
def test_tiff_pixel_size(
    tmp_path: Path, values: np.ndarray, resolution, unit, metadata, imagej, expected: float
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        values.astype("uint16"),
        resolution=resolution,
        resolutionunit=unit,
        metadata=metadata,
        imagej=imagej,
    )
    assert read_image(path)[1] == pytest.approx(expected, rel=1e-4)


def test_tiff_stack_and_colours_and_damage(tmp_path: Path, values: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.stack([values] * 3).astype("int16"), photometric="minisblack")
    with pytest.raises(InputError, match="holds 3 pages"):
        read_micrograph(path, 1.0)
    tifffile.imwrite(path, np.stack([values] * 3, -1).astype("uint8"), photometric="rgb")
    with pytest.raises(InputError, match="expected a grey image"):
        read_micrograph(path, 1.0)
    tifffile.imwrite(path, values.astype("float32"))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"cannot read TIFF .*a\.tif"):
        read_micrograph(path, 1.0)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_png(tmp_path: Path, values: np.ndarray, dtype: str) -> None:
    path = tmp_path / "a.png"
    data = ((values + 100) * (1 if dtype == "uint8" else 300)).astype(dtype)
    cv2.imwrite(str(path), data)
    np.testing.assert_array_equal(read_micrograph(path, 1.0).image.numpy(), data)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="truncated"):
        read_micrograph(path, 1.0)


def test_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    data = np.linspace(0, 255, 64 * 80).reshape(64, 80).astype("uint8")
    cv2.imwrite(str(path), data, [cv2.IMWRITE_JPEG_QUALITY, 100])
    image = read_micrograph(path, 1.0).image.numpy()
    assert np.abs(image - data).max() <= 3
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="truncated"):
        read_micrograph(path, 1.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite(tmp_path: Path, values: np.ndarray, bad: float) -> None:
    path = make_mrc(tmp_path / "a.mrc", values.astype("float32"))
    raw = bytearray(path.read_bytes())
    raw[-40:-36] = np.float32(bad).tobytes()
    path.write_bytes(raw)
    with pytest.raises(InputError, match="NaN or infinite"):
        read_micrograph(path)


def test_constant_and_tiny(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="constant"):
        read_micrograph(make_mrc(tmp_path / "a.mrc", np.full(SHAPE, 3, "int16")))
    with pytest.raises(InputError, match="15 x 20 px, expected at least 16"):
        read_micrograph(make_mrc(tmp_path / "b.mrc", np.zeros((15, 20), "int16")))


@pytest.mark.parametrize("given", [0.0, -1.0, float("nan")])
def test_pixel_size_must_be_above_zero(tmp_path: Path, values: np.ndarray, given: float) -> None:
    path = make_mrc(tmp_path / "a.mrc", values.astype("int16"), 0.0)
    with pytest.raises(InputError, match=r"a\.mrc has no pixel size: give --pixel-size"):
        read_micrograph(path)
    with pytest.raises(InputError, match="pixel size"):
        read_micrograph(path, given)
    assert read_micrograph(path, 2.0).pixel_size == 2.0


def test_oblong_pixels(tmp_path: Path, values: np.ndarray) -> None:
    path = tmp_path / "a.mrc"
    with mrcfile.new(path, data=values.astype("int16")) as mrc:
        mrc.voxel_size = (1.0, 1.2, 1.0)
    with pytest.raises(InputError, match="square pixels"):
        read_micrograph(path)


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
    raw = bytearray(path.read_bytes())
    raw[:8] = np.array([900_000, 900_000], "<i4").tobytes()
    path.write_bytes(raw)
    with pytest.raises(InputError, match="truncated"):
        read_micrograph(path)


def test_not_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    path.write_text("data_\nloop_\n" * 300)
    with pytest.raises(InputError, match="expected MRC, TIFF, PNG or JPEG"):
        read_micrograph(path)
    make_mrc(path.with_name("b.mrc"), np.ones(SHAPE, np.complex64))
    with pytest.raises(InputError, match="MRC mode 4, expected one of 0, 1, 2, 6, 12"):
        read_micrograph(path.with_name("b.mrc"))


def test_missing_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_micrograph(tmp_path / "none.mrc")
    with pytest.raises(InputError, match=r"is a folder: give .*/\*\.mrc"):
        read_micrograph(tmp_path)


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float16", "float32", "bool"])
def test_write_and_read(tmp_path: Path, values: np.ndarray, dtype: str) -> None:
    path = tmp_path / "folder" / "a.mrc"
    data = (values > 0) if dtype == "bool" else np.abs(values % 20).astype(dtype)
    write_image(path, data, 3.25)
    assert dtype == "float16" or mrcfile.validate(path)  # mrcfile 1.4 overflows on float16
    with mrcfile.open(path) as mrc:
        assert mrc.voxel_size.x == pytest.approx(3.25)
        assert mrc.data.dtype == (np.int8 if dtype == "bool" else data.dtype)
        np.testing.assert_array_equal(mrc.data, data)
    assert [file.name for file in path.parent.iterdir()] == ["a.mrc"]


def test_write_a_tensor(tmp_path: Path) -> None:
    image = torch.arange(1200.0).reshape(30, 40)
    write_image(tmp_path / "a.mrc", image, 1.0)
    assert torch.equal(read_micrograph(tmp_path / "a.mrc").image, image)


def test_a_place_that_cannot_be_written(tmp_path: Path, values: np.ndarray) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_image(tmp_path / "file" / "a.mrc", values.astype("int16"), 1.0)


@contextmanager
def small_files() -> Iterator[None]:
    """The system refuses files above 4 kB, as a full disk would; the log of the tests is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_the_old_file(tmp_path: Path, values: np.ndarray) -> None:
    path = make_mrc(tmp_path / "a.mrc", values[:20].astype("int8"))
    before = path.read_bytes()
    with small_files(), pytest.raises(InputError, match=r"cannot write .*a\.mrc"):
        write_image(path, np.ones((200, 200), np.float32), 1.0)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_raw_micrographs_and_thumbnails(shared_data: Path) -> None:
    contaminated = shared_data / "contamination" / "Ucsf_stack_1142_DW.mrc"
    micrograph = read_micrograph(contaminated)
    with mrcfile.open(contaminated) as mrc:
        np.testing.assert_array_equal(micrograph.image.numpy(), mrc.data.reshape(927, 959))
