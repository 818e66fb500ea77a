# SPDX-License-Identifier: GPL-3.0-or-later
"""The micrograph record, and images from and to files of every format."""

from __future__ import annotations

import bz2
import gzip
import io
import math
import zlib
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.images.mrc import read_mrc, write_mrc
from cryosegment.core.images.raster import (
    JPEG_START,
    PNG_START,
    TIFF_STARTS,
    read_picture,
    read_tiff,
)
from cryosegment.exchange.ctf import CtfEstimate
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, check_file, micrograph_name

MIN_SIDE = 16
"""Micrographs below this many pixels a side are refused."""

_GZIP_START = b"\x1f\x8b"
_BZIP2_START = b"BZh"


@dataclass(frozen=True)
class Micrograph:
    """One micrograph as it was read.

    Attributes
    ----------
    image
        Grey levels of the file, row 0 first.
    pixel_size
        Å/px.
    name
        File name without folder and suffixes.
    ctf
        Its contrast transfer function, where it is known.
    """

    image: Float[Tensor, "h w"]
    pixel_size: float
    name: str
    ctf: CtfEstimate | None = None


def read_micrograph(
    path: PathLike,
    pixel_size: float | None = None,
    name: str | None = None,
    ctf: CtfEstimate | None = None,
) -> Micrograph:
    """Micrograph from an MRC, TIFF, PNG or JPEG file; gzip and bzip2 are unpacked.

    Parameters
    ----------
    path
        File to read. Its content says which format it is, not its name.
    pixel_size
        Å/px; wins over the header's. None takes the header's.
    name
        Name of the record; by default the file's.
    ctf
        Of the record.

    Raises
    ------
    InputError
        If the file is missing, truncated, no image, holds several sections, NaN or only one
        value, or if nobody says the pixel size.
    """
    path = Path(path)
    values, header_pixel_size = read_image(path)
    size = _known_pixel_size(path, pixel_size, header_pixel_size)
    if min(values.shape) < MIN_SIDE:
        height, width = values.shape
        raise InputError(f"{path} has {height} x {width} px, expected at least {MIN_SIDE} a side")
    image = torch.from_numpy(values.astype(np.float32, copy=False))
    low, high = (float(value) for value in torch.aminmax(image))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError(f"{path} holds NaN or infinite pixels: repair or leave it out")
    if low == high:
        raise InputError(f"{path} is constant (every pixel is {low:g}): leave it out")
    return Micrograph(image, size, micrograph_name(path) if name is None else name, ctf)


def _known_pixel_size(path: Path, argument: float | None, header: float) -> float:
    size = header if argument is None else argument
    if not (math.isfinite(size) and size > 0):
        source = f"{path} has no pixel size" if argument is None else f"pixel size is {argument}"
        raise InputError(f"expected a pixel size above 0, but {source}: give --pixel-size")
    return size


def read_image(path: PathLike) -> tuple[npt.NDArray[np.generic], float]:
    """Image `(h, w)` in the file's own type, and its pixel size in Å/px (0 where unknown).

    Parameters
    ----------
    path
        MRC, TIFF, PNG or JPEG file, or one packed with gzip or bzip2: a micrograph, a label map,
        a probability map.

    Raises
    ------
    InputError
        If the file is missing, truncated, no image or holds several sections.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: give {path}/*.mrc")
    check_file(path)
    try:
        with path.open("rb") as file:
            stream = _unpacked(file)
            start = stream.read(4)
            stream.seek(0)
            return _read_format(stream, start, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is truncated or damaged ({error}): copy it again") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _unpacked(file: BufferedIOBase) -> BufferedIOBase:
    start = file.read(3)
    file.seek(0)
    if start.startswith(_GZIP_START):
        return io.BytesIO(gzip.decompress(file.read()))
    if start.startswith(_BZIP2_START):
        return io.BytesIO(_decompress_bzip2(file.read()))
    return file


def _decompress_bzip2(packed: bytes) -> bytes:
    try:
        return bz2.decompress(packed)
    except (ValueError, OSError) as error:
        raise EOFError(str(error)) from error


def _read_format(
    stream: BufferedIOBase, start: bytes, path: Path
) -> tuple[npt.NDArray[np.generic], float]:
    if start in TIFF_STARTS:
        return read_tiff(stream, path)
    if start.startswith((PNG_START, JPEG_START)):
        return read_picture(stream, path), 0.0
    return read_mrc(stream, path)


def write_image(path: PathLike, image: npt.NDArray[np.generic] | Tensor, pixel_size: float) -> None:
    """Write a map or micrograph as MRC, whole or not at all.

    Parameters
    ----------
    path
        File to make; an older one is replaced.
    image
        `(h, w)`; int8, int16, uint16, float16 or float32, bool becomes int8.
    pixel_size
        Å/px.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    values = image.detach().cpu().numpy() if isinstance(image, Tensor) else image
    write_mrc(Path(path), values, pixel_size)
