# SPDX-License-Identifier: GPL-3.0-or-later
"""One 2-D image from an MRC file, and to one; stacks of particle images.

The header is read here and not by `mrcfile.open`, because files in the wild have wrong machine
stamps, no map id or bytes after the data, and because compressed files are then unpacked once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from mrcfile.dtypes import HEADER_DTYPE
from mrcfile.mrcobject import MrcObject
from mrcfile.utils import dtype_from_mode

from cryosegment.core.images.stream import check_pixels, open_image
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import atomic_path

HALF_BYTES = 101
"""MRC mode of two unsigned pixels of 4 bits in a byte; a row begins with a byte of its own."""

READ_MODES = (0, 1, 2, 6, 12, HALF_BYTES)
"""MRC modes that hold a real image: int8 (or uint8), int16, float32, uint16, float16, 4 bits."""

_MAX_SIDE = 1_000_000
HEADER_BYTES = 1024
_IMOD_STAMP = 1146047817
_IMOD_STAMP_OFFSET = 40
_SQUARE_TOLERANCE = 0.01


def read_mrc(stream: BufferedIOBase, path: Path) -> tuple[npt.NDArray[np.generic], float]:
    """Image `(h, w)` in the file's own type and its pixel size in Å/px, from an MRC stream.

    Parameters
    ----------
    stream
        Stream at the start of the file; its bytes are unpacked.
    path
        Where it comes from, for error messages.

    Returns
    -------
    image, pixel size
        The image has the machine's byte order; 4-bit pixels become uint8. The pixel size is 0
        where the header has none, or pixels that are not square.

    Raises
    ------
    InputError
        If this is not an MRC file, is truncated, holds complex numbers or more than one section.

    Notes
    -----
    Mode 0 is signed by the MRC2014 standard; IMOD's stamp and flag, or a maximum above 127 in the
    header, say that it is unsigned.
    """
    header = read_header(stream, path)
    height, width = _image_shape(header, path)
    is_halved = int(header["mode"]) == HALF_BYTES
    dtype = np.dtype(np.uint8) if is_halved else data_dtype(header)
    row_bytes = (width + 1) // 2 if is_halved else width * dtype.itemsize
    stream.seek(HEADER_BYTES + max(0, int(header["nsymbt"])))
    rows = read_bytes(stream, height * row_bytes, path).reshape(height, row_bytes)
    image = _halves(rows)[:, :width] if is_halved else rows.view(dtype)
    return image.astype(dtype.newbyteorder("="), copy=False), _pixel_size(header)


def write_mrc(path: Path, image: npt.NDArray[np.generic], pixel_size: float) -> None:
    """Write an image `(h, w)` as MRC, whole or not at all.

    Parameters
    ----------
    path
        File to make; an older one is replaced.
    image
        int8, int16, uint16, float16 or float32; bool becomes int8.
    pixel_size
        Å/px.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    values = image.astype(np.int8) if image.dtype == bool else image
    mrc = _Mrc()
    mrc.set_data(np.ascontiguousarray(values))
    mrc.voxel_size = pixel_size
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(mrc.header.tobytes())
        file.write(np.ascontiguousarray(mrc.data).data)


def write_stack(
    path: Path, images: Iterable[npt.NDArray[np.int8]], side: int, pixel_size: float
) -> None:
    """Write square int8 images as an MRC stack, one after the other, whole or not at all.

    Parameters
    ----------
    path
        File to make; an older one is replaced.
    images
        `(side, side)` each; taken and written one by one.
    side
        px.
    pixel_size
        Å/px.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    mrc = _Mrc()
    mrc.set_data(np.zeros((1, side, side), np.int8))
    mrc.set_image_stack()
    mrc.voxel_size = pixel_size
    mrc.reset_header_stats()
    count = 0
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.seek(HEADER_BYTES)
        for image in images:
            file.write(np.ascontiguousarray(image).data)
            count += 1
        mrc.header.nz = count
        file.seek(0)
        file.write(mrc.header.tobytes())


def read_stack_side(path: Path) -> int:
    """Side of the images of an MRC stack, px.

    Raises
    ------
    InputError
        If this is not an MRC file, or the images are not square.
    """
    with open_image(path) as stream:
        header = read_header(stream, path)
    width, height = int(header["nx"]), int(header["ny"])
    if width != height:
        raise InputError(f"expected square particle images in {path}, found {height} x {width} px")
    return width


def read_sections(path: Path, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Some images of an MRC stack, `(n, h, w)`, in the order that is asked for.

    Parameters
    ----------
    path
        The stack.
    numbers
        Number of each image, (n,), at least one, from 0; neighbours are read at once.

    Raises
    ------
    InputError
        If this is not an MRC file, is truncated, has pixels of 4 bits, or lacks an image.
    """
    with open_image(path) as stream:
        header = read_header(stream, path)
        count, height, width = (int(header[name]) for name in ("nz", "ny", "nx"))
        if not 0 <= numbers.min() <= numbers.max() < count:
            raise InputError(
                f"expected image {numbers.max() + 1} in {path}, which holds {count}: give the "
                "stacks that the list was made with"
            )
        if int(header["mode"]) == HALF_BYTES:
            raise InputError(f"{path} has particles of 4 bits a pixel: convert it to float32")
        dtype, start = data_dtype(header), HEADER_BYTES + max(0, int(header["nsymbt"]))
        size = height * width * dtype.itemsize
        found = np.empty((len(numbers), height, width), np.float32)
        begins = np.flatnonzero(np.diff(numbers, prepend=-2) != 1)
        for first, end in zip(begins, np.append(begins[1:], len(numbers)), strict=True):
            stream.seek(start + int(numbers[first]) * size)
            run = read_bytes(stream, int(end - first) * size, path).view(dtype)
            found[first:end] = run.reshape(-1, height, width)
    return found


class _Mrc(MrcObject):
    """An MRC header and image in memory: mrcfile's own files stay open when a disk is full."""

    def __init__(self) -> None:
        super().__init__()
        self._create_default_attributes()


def read_header(
    stream: BufferedIOBase, path: Path, expected: str = "MRC, TIFF, PNG or JPEG"
) -> npt.NDArray[Any]:
    """The header in the byte order that gives a known mode and sizes above zero.

    Raises
    ------
    InputError
        If there is none, or of pixels that are not read; it tells what was `expected`.
    """
    raw = stream.read(HEADER_BYTES)
    if len(raw) < HEADER_BYTES:
        raise InputError(f"{path} is too short for an image: {len(raw)} bytes; copy it again")
    for dtype in (HEADER_DTYPE.newbyteorder("<"), HEADER_DTYPE.newbyteorder(">")):
        header: npt.NDArray[Any] = np.frombuffer(raw, dtype).reshape(())
        sizes = [int(header[name]) for name in ("nx", "ny", "nz")]
        if 0 <= int(header["mode"]) <= 101 and all(0 < size < _MAX_SIDE for size in sizes):
            break
    else:
        raise InputError(f"expected {expected}, but {path} is none: convert it")
    if int(header["mode"]) not in READ_MODES:
        raise InputError(
            f"{path} has MRC mode {int(header['mode'])}, expected one of "
            f"{', '.join(map(str, READ_MODES))}: convert it to float32"
        )
    return header


def data_dtype(header: npt.NDArray[Any]) -> np.dtype[np.generic]:
    """Type of the pixels, in the byte order of the file; not for those of 4 bits."""
    dtype: np.dtype[np.generic] = dtype_from_mode(int(header["mode"]))
    if dtype == np.int8 and _is_unsigned(header):
        dtype = np.dtype(np.uint8)
    return dtype if _is_native(header) else dtype.newbyteorder("S")


def _is_native(header: npt.NDArray[Any]) -> bool:
    return bool(header.dtype["mode"].isnative)


def _is_unsigned(header: npt.NDArray[Any]) -> bool:
    words = np.frombuffer(bytes(header["extra2"]), header.dtype["mode"], 2, _IMOD_STAMP_OFFSET)
    if words[0] == _IMOD_STAMP:
        return not int(words[1]) & 1
    return bool(127 < header["dmax"] < 256 and header["dmin"] >= 0)


def _image_shape(header: npt.NDArray[Any], path: Path) -> tuple[int, int]:
    if int(header["nz"]) > 1:
        raise InputError(
            f"expected one 2-D micrograph, but {path} holds {int(header['nz'])} sections: "
            "average movies first, or give single images"
        )
    height, width = int(header["ny"]), int(header["nx"])
    check_pixels(height, width, path)
    return height, width


def read_bytes(stream: BufferedIOBase, count: int, path: Path) -> npt.NDArray[np.uint8]:
    """The next bytes of a stream; what is packed is checked at its end.

    Raises
    ------
    InputError
        If there are fewer.
    """
    content = np.empty(count, np.uint8)
    view = content.data
    while view:
        found = stream.readinto(view)
        if not found:
            raise InputError(
                f"{path} is truncated: expected {count} bytes of image, found "
                f"{count - len(view)}; copy it again"
            )
        view = view[found:]
    stream.read(1)
    return content


def _halves(content: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Pixels of 4 bits, the first of a byte in its low half."""
    return np.stack([content & 15, content >> 4], axis=-1).reshape(len(content), -1)


def _pixel_size(header: npt.NDArray[Any]) -> float:
    sizes = [
        float(header["cella"][axis]) / (int(header[intervals]) or int(header[pixels]))
        for axis, intervals, pixels in (("x", "mx", "nx"), ("y", "my", "ny"))
    ]
    if not all(math.isfinite(size) and size > 0 for size in sizes):
        return 0.0
    is_square = abs(sizes[0] - sizes[1]) <= _SQUARE_TOLERANCE * sizes[0]
    return sizes[0] if is_square else 0.0
