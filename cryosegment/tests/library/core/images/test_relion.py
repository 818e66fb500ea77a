# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as RELION reads them: it extracts what lies at coordinates found in ours."""

import struct
import subprocess
from pathlib import Path
from shutil import which

import mrcfile
import numpy as np
import pytest
import tifffile

from cryosegment.core.images.micrograph import read_image
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.star import write_star
from cryosegment.tests.machine import NO_RELION

OPTICS = {
    "rlnOpticsGroupName": ["group"],
    "rlnOpticsGroup": [1],
    "rlnMicrographPixelSize": [1.0],
    "rlnVoltage": [300.0],
    "rlnSphericalAberration": [2.7],
    "rlnAmplitudeContrast": [0.1],
}
EXTRACT = "--part_star out.star --part_dir ./parts/ --extract --extract_size 16"
SPOTS = ((20, 50), (70, 31))

pytestmark = pytest.mark.skipif(which("relion_preprocess") is None, reason=NO_RELION)


@pytest.fixture
def image() -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 8, (96, 128)).astype(np.uint8)
    values[tuple(np.transpose(SPOTS))] = 15
    return values


def extracted(path: Path) -> np.ndarray:
    """What RELION cuts out where our image has its brightest pixels."""
    ours, _ = read_image(path)
    folder, name = path.parent, path.stem
    spots_yx = np.argwhere(ours == ours.max())
    write_coordinates(folder / f"{name}_picks.star", Coordinates(spots_yx, 1.0, name))
    micrographs = {"rlnMicrographName": [path.name], "rlnOpticsGroup": [1]}
    write_star(folder / "mics.star", {"optics": OPTICS, "micrographs": micrographs})
    options = f"--i mics.star --coord_dir ./ --coord_suffix _picks.star {EXTRACT}"
    command = ["relion_preprocess", *options.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    boxes = np.array([ours[y - 8 : y + 8, x - 8 : x + 8] for y, x in spots_yx])
    particles = mrcfile.read(folder / "parts" / f"{name}.mrcs")
    np.testing.assert_allclose(particles, boxes, atol=1e-3)
    return boxes


@pytest.mark.parametrize("compression", [None, "lzw"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32"])
def test_tiff(tmp_path: Path, image: np.ndarray, compression: str | None, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "mic.tif", image.astype(dtype), compression=compression)
    assert extracted(tmp_path / "mic.tif").max((1, 2)).tolist() == [15, 15]


def test_tiff_is_mirrored(tmp_path: Path, image: np.ndarray) -> None:
    """Else the test above would pass on an image whose rows nobody turns."""
    tifffile.imwrite(tmp_path / "mic.tif", image)
    spots = {(95 - y, x) for y, x in SPOTS}
    assert {tuple(spot) for spot in np.argwhere(read_image(tmp_path / "mic.tif")[0] == 15)} == spots


@pytest.mark.parametrize("mode", [0, 1, 2, 6, 101])
def test_mrc(tmp_path: Path, image: np.ndarray, mode: int) -> None:
    path = tmp_path / "mic.mrc"
    packed = image[:, 0::2] + 16 * image[:, 1::2]
    data = {0: "int8", 1: "int16", 2: "float32", 6: "uint16", 101: "int8"}[mode]
    mrcfile.write(path, (packed if mode == 101 else image).astype(data), voxel_size=1.0)
    raw = bytearray(path.read_bytes())
    struct.pack_into("<4i", raw, 0, 128, 96, 1, mode)
    path.write_bytes(raw)
    assert extracted(path).max((1, 2)).tolist() == [15, 15]
