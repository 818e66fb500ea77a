# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files as streams: packed ones are unpacked as far as they are read, and no further."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import check_file

MAX_PIXELS = 2**29
"""Images of more pixels are refused: the largest detectors, in super-resolution, have half."""

_MAX_BYTES = 4 * MAX_PIXELS
_GZIP_START = b"\x1f\x8b"
_BZIP2_START = b"BZh"
_CHUNK_BYTES = 2**24


@contextmanager
def open_image(path: Path) -> Iterator[BufferedIOBase]:
    """Stream of a file, unpacked where it is packed with gzip or bzip2.

    What goes wrong while it is read becomes an error of ours, in one line.

    Raises
    ------
    InputError
        If the file is missing, a folder, a pipe, truncated or damaged.
    """
    if os.path.isdir(path):  # false for names that are too long, too
        raise InputError(f"{path} is a folder: give {path}/*.mrc")
    check_file(path)
    try:
        with path.open("rb") as file, _unpacked(file) as stream:
            yield stream
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path} is truncated or damaged ({error}): copy it again") from error
    except OSError as error:
        if error.errno is None:  # of the unpacker, not of the system
            raise InputError(f"{path} is truncated or damaged ({error}): copy it again") from error
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _unpacked(file: BufferedIOBase) -> BufferedIOBase:
    start = file.read(3)
    file.seek(0)
    if start.startswith(_GZIP_START):
        return gzip.GzipFile(fileobj=file)
    if start.startswith(_BZIP2_START):
        return bz2.BZ2File(file)
    return file


def seekable(stream: BufferedIOBase, path: Path) -> BufferedIOBase:
    """A stream in which any place is near: a file itself, what is packed from memory."""
    is_packed = isinstance(stream, (gzip.GzipFile, bz2.BZ2File))
    return in_memory(stream, path) if is_packed else stream


def in_memory(stream: BufferedIOBase, path: Path) -> io.BytesIO:
    """All of a stream.

    Raises
    ------
    InputError
        If it is longer than any image.
    """
    content = io.BytesIO()
    while chunk := stream.read(_CHUNK_BYTES):
        content.write(chunk)
        if content.tell() > _MAX_BYTES:
            raise InputError(
                f"expected an image, but {path} holds more than {_MAX_BYTES >> 30} GiB: give a "
                "file with one micrograph"
            )
    content.seek(0)
    return content


def check_pixels(height: int, width: int, path: Path) -> None:
    """Check that a header asks for as many pixels as an image can have.

    Raises
    ------
    InputError
        If it does not.
    """
    if not 0 < height * width <= MAX_PIXELS:
        raise InputError(
            f"expected 1 to {MAX_PIXELS} pixels, but the header of {path} says "
            f"{height} x {width}: it is damaged, or no micrograph"
        )
