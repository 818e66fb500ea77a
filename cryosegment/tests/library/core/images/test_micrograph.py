# SPDX-License-Identifier: GPL-3.0-or-later
import bz2
import gzip
import os
import resource
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import mrcfile
import numpy as np
import pytest
import tifffile
import torch

from cryosegment.core.images.micrograph import (
    DOUBTFUL_PIXEL_SIZE,
    MENDED,
    MIRRORED,
    Micrograph,
    read_image,
    read_micrograph,
    write_image,
)
from cryosegment.exchange.errors import InputError

SHAPE = (40, 52)


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(8).integers(-100, 100, SHAPE)


def make_mrc(path: Path, data: np.ndarray, pixel_size: float = 1.5) -> Path:
    with mrcfile.new(path, data=data) as mrc:
        mrc.voxel_size = pixel_size
    return path


def make_raw(path: Path, data: np.ndarray) -> Path:
    """The pixels as they are, of which mrcfile makes no statistics."""
    make_mrc(path, np.zeros_like(data))
    path.write_bytes(path.read_bytes()[:1024] + data.tobytes())
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
    micrograph = read_micrograph(path, 1.0)
    np.testing.assert_array_equal(micrograph.image.numpy(), data[::-1])
    assert micrograph.notes == (MIRRORED,)
    with pytest.raises(InputError, match="give --pixel-size"):
        read_micrograph(path)


@pytest.mark.parametrize("compression", ["lzw", "jpeg", "zlib", "packbits", "zstd"])
def test_compressed_tiff(tmp_path: Path, values: np.ndarray, compression: str) -> None:
    """Predictors and tiles too; cut anywhere, it is damaged."""
    path = tmp_path / "a.tif"
    smooth = cv2.GaussianBlur((values + 100).astype(np.uint8), (0, 0), 3)
    tifffile.imwrite(path, smooth, compression=compression, tile=(16, 16))
    found = read_image(path)[0].astype(int)
    assert np.abs(found - smooth[::-1]).max() <= (8 if compression == "jpeg" else 0)
    if compression in ("lzw", "zlib"):
        tifffile.imwrite(path, values.astype("int16"), compression=compression, predictor=True)
        np.testing.assert_array_equal(read_image(path)[0], values[::-1])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"a\.tif is truncated|cannot read TIFF .*a\.tif"):
        read_micrograph(path, 1.0)


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
    with pytest.raises(InputError, match=r"a\.tif is truncated"):
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


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e37])
def test_single_pixels_that_are_no_number(tmp_path: Path, values: np.ndarray, bad: float) -> None:
    data = values.astype("float32")
    data[3, 4] = data[20, 7:9] = bad
    micrograph = read_micrograph(make_raw(tmp_path / "a.mrc", data))
    assert micrograph.notes == (MENDED,)
    expected = values.astype("float32")
    expected[3, 4] = expected[20, 7:9] = np.median(data[np.abs(data) < 1e3])
    assert np.abs(micrograph.image.numpy() - expected).max() <= 1  # the median of an even number
    assert np.array_equal(micrograph.image.numpy() != values, expected != values)


def test_much_that_is_no_number(tmp_path: Path, values: np.ndarray) -> None:
    data = values.astype("float32")
    data[:10] = np.nan
    assert read_micrograph(make_raw(tmp_path / "a.mrc", data)).notes == (MENDED,)
    data[:11] = np.nan
    with pytest.raises(InputError, match=r"28% of .*b\.mrc is NaN or infinite"):
        read_micrograph(make_raw(tmp_path / "b.mrc", data))


def test_grey_levels_beyond_float32(tmp_path: Path, values: np.ndarray) -> None:
    data = values.astype("float64")
    data[5, 5] = 1e300
    tifffile.imwrite(tmp_path / "a.tif", data)
    micrograph = read_micrograph(tmp_path / "a.tif", 1.0)
    assert micrograph.notes == (MIRRORED, MENDED)
    assert micrograph.image.abs().max() <= 100


@pytest.mark.parametrize(
    ("change", "pixel_size", "message"),
    [
        (lambda image: image[0, 0].fill_(np.nan), 1.0, "NaN, infinite or huge"),
        (lambda image: image[0, 0].fill_(np.inf), 1.0, "NaN, infinite or huge"),
        (lambda image: image[0, 0].fill_(-1e37), 1.0, "NaN, infinite or huge"),
        (lambda image: image.fill_(3.0), 1.0, "constant"),
        (lambda image: None, 0.0, "pixel size"),
        (lambda image: None, float("nan"), "pixel size"),
    ],
)
def test_a_micrograph_in_memory_is_checked(
    values: np.ndarray, change, pixel_size: float, message: str
) -> None:
    image = torch.from_numpy(values.astype("float32"))
    change(image)
    with pytest.raises(InputError, match=message):
        Micrograph(image, pixel_size, "a")


def test_constant_and_tiny(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="constant"):
        read_micrograph(make_mrc(tmp_path / "a.mrc", np.full(SHAPE, 3, "int16")))
    with pytest.raises(InputError, match="15 x 20 px, expected at least 16"):
        read_micrograph(make_mrc(tmp_path / "b.mrc", np.zeros((15, 20), "int16")))


@pytest.mark.parametrize("given", [0.0, -1.0, float("nan")])
def test_pixel_size_must_be_above_zero(tmp_path: Path, values: np.ndarray, given: float) -> None:
    path = make_mrc(tmp_path / "a.mrc", values.astype("int16"), 0.0)
    with pytest.raises(InputError, match=r"a\.mrc has no pixel size.*: give --pixel-size"):
        read_micrograph(path)
    with pytest.raises(InputError, match="pixel size"):
        read_micrograph(path, given)
    assert read_micrograph(path, 2.0).pixel_size == 2.0


def change_header(path: Path, word: int, *values: int) -> Path:
    """Other integers in the header of an MRC file, from a word on; MRC counts from 1."""
    raw = bytearray(path.read_bytes())
    raw[4 * (word - 1) : 4 * (word - 1 + len(values))] = np.array(values, "<i4").tobytes()
    path.write_bytes(raw)
    return path


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


def test_a_pixel_size_of_one_is_doubted(tmp_path: Path, values: np.ndarray) -> None:
    """Many programs write it where they do not know."""
    path = make_mrc(tmp_path / "a.mrc", values.astype("int16"), 1.0)
    assert read_micrograph(path).notes == (DOUBTFUL_PIXEL_SIZE,)
    assert read_micrograph(path, 1.0).notes == ()
    assert read_micrograph(make_mrc(tmp_path / "b.mrc", values.astype("int16"), 1.01)).notes == ()


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


def test_pictures_of_giant_size(tmp_path: Path) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + bytes(4)

    size = chunk(b"IHDR", struct.pack(">IIBBBBB", 900_000, 800_000, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(900_001)))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + size + data + chunk(b"IEND", b""))
    with pytest.raises(InputError, match="says 800000 x 900000: it is damaged"):
        read_micrograph(tmp_path / "a.png", 1.0)
    cv2.imwrite(str(tmp_path / "a.jpg"), np.eye(64, dtype=np.uint8))
    raw = bytearray((tmp_path / "a.jpg").read_bytes())
    start = raw.index(b"\xff\xc0") + 5  # the frame header's height and width
    raw[start : start + 4] = struct.pack(">HH", 65_000, 65_000)
    (tmp_path / "a.jpg").write_bytes(raw)
    with pytest.raises(InputError, match="cannot read the picture"):
        read_micrograph(tmp_path / "a.jpg", 1.0)


def test_tiff_of_giant_size_and_without_pages(tmp_path: Path, values: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values.astype("uint8"))
    with tifffile.TiffFile(path) as tiff:
        places = [tiff.pages.first.tags[name].valueoffset for name in ("ImageWidth", "ImageLength")]
    raw = bytearray(path.read_bytes())
    for side in (0, 60_000):
        for place in places:
            raw[place : place + 4] = struct.pack("<I", side)
        path.write_bytes(raw)
        with pytest.raises(InputError, match=rf"a\.tif says {side} x {side}: it is damaged"):
            read_micrograph(path, 1.0)
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 0) + bytes(100))
    with pytest.raises(InputError, match=r"a\.tif holds no image"):
        read_micrograph(path, 1.0)


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """A file cut anywhere, or some bytes of its first and last 400 changed."""
    if rng.random() < 0.3:
        return whole[: rng.integers(1, len(whole))]
    raw = bytearray(whole)
    for _ in range(rng.integers(1, 6)):
        place = int(rng.integers(-400, 400))
        raw[place] = rng.choice([0, 1, 127, 128, 255, rng.integers(256)])
    return bytes(raw)


@pytest.mark.parametrize("kind", ["mrc", "mrc.gz", "png", "jpg", "tif", "lzw", "tiles", "big"])
def test_damage_of_any_kind_is_an_error_of_ours(
    tmp_path: Path, values: np.ndarray, kind: str
) -> None:
    path, data = tmp_path / f"a.{kind}", (values + 100).astype(np.uint8)
    if kind.startswith("mrc"):
        make_mrc(path, data.view("int8"))
    elif kind in ("png", "jpg"):
        cv2.imwrite(str(path), data)
    else:
        options = {
            "tif": {},
            "lzw": {"compression": "lzw", "rowsperstrip": 7},
            "tiles": {"compression": "zlib", "tile": (16, 16)},
            "big": {"bigtiff": True},
        }
        tifffile.imwrite(path, data, **options[kind])
    whole = path.read_bytes() if kind != "mrc.gz" else gzip.compress(path.read_bytes())
    rng, messages = np.random.default_rng(1), []
    for _ in range(100):
        path.write_bytes(damaged(whole, rng))
        try:
            read_micrograph(path, 1.0)
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 20
    assert not any("\n" in message for message in messages)


def test_not_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    path.write_text("data_\nloop_\n" * 300)
    with pytest.raises(InputError, match="expected MRC, TIFF, PNG or JPEG"):
        read_micrograph(path)
    make_mrc(path.with_name("b.mrc"), np.ones(SHAPE, np.complex64))
    with pytest.raises(InputError, match="MRC mode 4, expected one of 0, 1, 2, 6, 12, 101"):
        read_micrograph(path.with_name("b.mrc"))


def test_missing_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_micrograph(tmp_path / "none.mrc")
    with pytest.raises(InputError, match=r"is a folder: give .*/\*\.mrc"):
        read_micrograph(tmp_path)


def test_what_has_no_end_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mrc")
    for path in (tmp_path / "a.mrc", Path("/dev/zero")):
        with pytest.raises(InputError, match=rf"{path} is a pipe or device"):
            read_micrograph(path, 1.0)


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
