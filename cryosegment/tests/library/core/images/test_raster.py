# SPDX-License-Identifier: GPL-3.0-or-later
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from cryosegment.core.images.micrograph import (
    read_image,
    read_micrograph,
)
from cryosegment.core.images.reading import MIRRORED
from cryosegment.exchange.errors import InputError


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
