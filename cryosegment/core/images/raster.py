# SPDX-License-Identifier: GPL-3.0-or-later
"""One 2-D image from a TIFF, PNG or JPEG file."""

from __future__ import annotations

import math
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, cast

import cv2
import numpy as np
import numpy.typing as npt
import tifffile

from cryosegment.exchange.errors import InputError

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PNG_START = b"\x89PNG"
JPEG_START = b"\xff\xd8\xff"

_ENDS = {PNG_START: b"IEND", JPEG_START: b"\xff\xd9"}
_TAIL_BYTES = 4096
_PLAUSIBLE_PIXEL_SIZE = (0.05, 100.0)  # Å/px; a resolution of 72 dpi is 3.5 million
_TIFF_RESOLUTION_UNITS = {2: 2.54e8, 3: 1e8}  # Å in an inch, in a centimetre
_IMAGEJ_UNITS = {"nm": 10.0, "micron": 1e4, "um": 1e4, "\\u00b5m": 1e4, "µm": 1e4}
_IMAGEJ_UNITS.update({"angstrom": 1.0, "a": 1.0, "å": 1.0, "\\u00c5": 1.0})


def read_tiff(stream: BufferedIOBase, path: Path) -> tuple[npt.NDArray[np.generic], float]:
    """Image `(h, w)` in the file's own type and its pixel size in Å/px, from a TIFF stream.

    Parameters
    ----------
    stream
        Seekable stream at the start of the file.
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
        If the file is damaged, compressed in an unknown way, or holds more than one image.
    """
    try:
        with tifffile.TiffFile(cast(BinaryIO, stream)) as tiff:
            if len(tiff.pages) != 1:
                raise InputError(
                    f"expected one 2-D micrograph, but {path} holds {len(tiff.pages)} pages: "
                    "average movies first, or give single images"
                )
            image = tiff.pages.first.asarray()
            pixel_size = _tiff_pixel_size(tiff)
    except InputError:
        raise
    except (ValueError, IndexError, KeyError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"cannot read TIFF {path} ({reason}): save it uncompressed") from error
    if image.ndim != 2:
        raise InputError(f"expected a grey image, but {path} has shape {image.shape}: convert it")
    return image, pixel_size


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
    raw = stream.read()
    end = next(end for start, end in _ENDS.items() if raw.startswith(start))
    if end not in raw[-_TAIL_BYTES:]:
        raise InputError(f"{path} is truncated: its end is missing; copy it again")
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    image: npt.NDArray[np.generic] | None = cv2.imdecode(np.frombuffer(raw, np.uint8), flags)
    if image is None:
        raise InputError(f"cannot read the picture {path}: it is damaged; copy it again")
    return image
