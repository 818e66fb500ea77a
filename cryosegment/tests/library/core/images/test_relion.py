# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as RELION reads them: it extracts what lies at coordinates found in ours."""

import struct
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile

from cryosegment.core.images.micrograph import read_image
from cryosegment.exchange.coordinates import Coordinates

SPOTS = ((20, 50), (70, 31))


@pytest.fixture
def image() -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 8, (96, 128)).astype(np.uint8)
    values[tuple(np.transpose(SPOTS))] = 15
    return values


@pytest.fixture
def check(relion_extract: Callable) -> Callable[[Path], None]:
    """Check that RELION cuts out what our image has around its brightest pixels."""

    def check(path: Path) -> None:
        ours, _ = read_image(path)
        spots_yx = np.argwhere(ours == 15)
        assert len(spots_yx) == len(SPOTS)
        boxes = [ours[y - 8 : y + 8, x - 8 : x + 8] for y, x in spots_yx]
        particles = relion_extract(path, Coordinates(spots_yx, 1.0, path.stem))
        np.testing.assert_allclose(particles, boxes, atol=1e-3)

    return check


@pytest.mark.parametrize("compression", [None, "lzw"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32"])
def test_tiff(tmp_path: Path, image: np.ndarray, check, compression, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "mic.tif", image.astype(dtype), compression=compression)
    check(tmp_path / "mic.tif")


@pytest.mark.parametrize("mode", [0, 1, 2, 6, 101])
def test_mrc(tmp_path: Path, image: np.ndarray, check, mode: int) -> None:
    path = tmp_path / "mic.mrc"
    packed = image[:, 0::2] + 16 * image[:, 1::2]
    data = {0: "int8", 1: "int16", 2: "float32", 6: "uint16", 101: "int8"}[mode]
    mrcfile.write(path, (packed if mode == 101 else image).astype(data), voxel_size=1.0)
    raw = bytearray(path.read_bytes())
    struct.pack_into("<4i", raw, 0, 128, 96, 1, mode)
    path.write_bytes(raw)
    check(path)
