# SPDX-License-Identifier: GPL-3.0-or-later
import gzip
import os
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

from cryosegment.core.images.micrograph import (
    DOUBTFUL_PIXEL_SIZE,
    MENDED,
    Micrograph,
    read_micrograph,
    write_image,
)
from cryosegment.core.images.reading import MIRRORED
from cryosegment.exchange.errors import InputError
from cryosegment.tests.mrc_files import SHAPE, make_mrc


def make_raw(path: Path, data: np.ndarray) -> Path:
    """The pixels as they are, of which mrcfile makes no statistics."""
    make_mrc(path, np.zeros_like(data))
    path.write_bytes(path.read_bytes()[:1024] + data.tobytes())
    return path


def test_pixel_size_and_name_given_win(tmp_path: Path, values: np.ndarray) -> None:
    path = make_mrc(tmp_path / "a.mrc", values.astype("int16"))
    micrograph = read_micrograph(path, 0.9, "other")
    assert (micrograph.pixel_size, micrograph.name) == (0.9, "other")


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


def test_a_pixel_size_of_one_is_doubted(tmp_path: Path, values: np.ndarray) -> None:
    """Many programs write it where they do not know."""
    path = make_mrc(tmp_path / "a.mrc", values.astype("int16"), 1.0)
    assert read_micrograph(path).notes == (DOUBTFUL_PIXEL_SIZE,)
    assert read_micrograph(path, 1.0).notes == ()
    assert read_micrograph(make_mrc(tmp_path / "b.mrc", values.astype("int16"), 1.01)).notes == ()


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
