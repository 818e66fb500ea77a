# SPDX-License-Identifier: GPL-3.0-or-later
"""One 2-D image from a TIFF, PNG or JPEG file."""

from __future__ import annotations

import math
import struct
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, cast

import cv2
import numpy as np
import numpy.typing as npt
import tifffile

from cryosegment.core.images.stream import check_pixels, in_memory, seekable
from cryosegment.exchange.errors import InputError

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PNG_START = b"\x89PNG"
JPEG_START = b"\xff\xd8\xff"

DEFLATE_RATIO = 1032
"""Bytes that one of a PNG unpacks to at most."""

_PNG_FIRST, _PNG_HEADER, _PNG_END = 8, b"IHDR", b"IEND"
_JPEG_END = b"\xff\xd9"
_TAIL = 4096  # bytes
_PLAUSIBLE_PIXEL_SIZE = (0.05, 100.0)  # Å/px; a resolution of 72 dpi is 3.5 million
_TIFF_RESOLUTION_UNITS = {2: 2.54e8, 3: 1e8}  # Å in an inch, in a centimetre
_IMAGEJ_UNITS = {"nm": 10.0, "micron": 1e4, "um": 1e4, "\\u00b5m": 1e4, "µm": 1e4}
_IMAGEJ_UNITS.update({"angstrom": 1.0, "a": 1.0, "å": 1.0, "\\u00c5": 1.0})

_TIFF_ERRORS = (
    tifffile.TiffFileError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What tifffile raises on damaged files, which it takes at their word."""


def read_tiff(stream: BufferedIOBase, path: Path) -> tuple[npt.NDArray[np.generic], float]:
    """Image `(h, w)` in the file's own type and its pixel size in Å/px, from a TIFF stream.

    The last row of the file comes first, as in RELION (since 3.1), IMOD and EMAN2: so a pixel has
    the coordinates that these give it. This is the only place that knows.

    Parameters
    ----------
    stream
        Stream at the start of the file.
    path
        Where it comes from, for error messages.

    Returns
    -------
    image, pixel size
        The pixel size is 0 where the resolution tags give none that can be an electron
        micrograph's (0.05-100 Å/px).

    Raises
    ------
    InputError
        If the file is damaged, compressed in an unknown way, or does not hold one grey image.
    """
    try:
        with tifffile.TiffFile(cast(BinaryIO, seekable(stream, path))) as tiff:
            image = _only_page(tiff, path).asarray()
            pixel_size = _tiff_pixel_size(tiff)
    except InputError:
        raise
    except _TIFF_ERRORS as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"cannot read TIFF {path} ({reason}): copy it again, or save it uncompressed"
        ) from error
    return np.ascontiguousarray(image[::-1]), pixel_size


def _only_page(tiff: tifffile.TiffFile, path: Path) -> tifffile.TiffPage:
    if not len(tiff.pages):
        raise InputError(f"{path} holds no image: copy it again")
    if len(tiff.pages) != 1:
        raise InputError(
            f"expected one 2-D micrograph, but {path} holds {len(tiff.pages)} pages: "
            "average movies first, or give single images"
        )
    page = tiff.pages.first
    if len(page.shape) != 2:
        raise InputError(f"expected a grey image, but {path} has shape {page.shape}: convert it")
    if page.dtype is None:
        raise InputError(f"{path} has pixels of no known type: copy it again, or convert it")
    check_pixels(*page.shape, path)
    ends = [start + count for start, count in zip(page.dataoffsets, page.databytecounts)]
    missing = 0 if page.is_contiguous else math.prod(page.chunked) - len(ends)
    if missing or max(ends) > tiff.filehandle.size:
        raise InputError(f"{path} is truncated or damaged: parts of it are missing; copy it again")
    return page


def _tiff_pixel_size(tiff: tifffile.TiffFile) -> float:
    tags = tiff.pages.first.tags
    if "XResolution" not in tags:
        return 0.0
    pixels, units = tags["XResolution"].value
    unit = int(tags["ResolutionUnit"].value) if "ResolutionUnit" in tags else 1
    length = _TIFF_RESOLUTION_UNITS.get(unit, 0.0)
    if not length and tiff.imagej_metadata:
        length = _IMAGEJ_UNITS.get(str(tiff.imagej_metadata.get("unit", "")).lower(), 0.0)
    size = length * units / pixels if pixels else 0.0
    low, high = _PLAUSIBLE_PIXEL_SIZE
    return size if math.isfinite(size) and low <= size <= high else 0.0


def read_picture(stream: BufferedIOBase, path: Path) -> npt.NDArray[np.generic]:
    """Grey image `(h, w)`, 8 or 16 bits, from a PNG or JPEG stream.

    Colours become grey; a rotation asked for by the camera is not applied.

    Parameters
    ----------
    stream
        Stream at the start of the file.
    path
        Where it comes from, for error messages.

    Raises
    ------
    InputError
        If the file is damaged or truncated.
    """
    raw = in_memory(stream, path).getvalue()
    is_whole = _is_whole_png(raw, path) if raw.startswith(PNG_START) else _JPEG_END in raw[-_TAIL:]
    if not is_whole:
        raise InputError(f"{path} is truncated: its end is missing; copy it again")
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image: npt.NDArray[np.generic] | None = cv2.imdecode(np.frombuffer(raw, np.uint8), flags)
    except cv2.error as error:
        raise InputError(f"cannot read the picture {path} ({error.err}): leave it out") from error
    if image is None:
        raise InputError(f"cannot read the picture {path}: it is damaged; copy it again")
    return image


def _is_whole_png(raw: bytes, path: Path) -> bool:
    """Whether all chunks of a PNG are there; OpenCV makes room for as much as they claim."""
    place, name = _PNG_FIRST, b""
    while name != _PNG_END and place + 8 <= len(raw):
        length, name = struct.unpack_from(">I4s", raw, place)
        if name == _PNG_HEADER and length == 13 and place + 17 <= len(raw):
            width, height, bits = struct.unpack_from(">IIB", raw, place + 8)
            check_pixels(height, width, path)
            if height * width * bits > 8 * DEFLATE_RATIO * len(raw):
                return False
        place += length + 12
    return name == _PNG_END and place <= len(raw)
