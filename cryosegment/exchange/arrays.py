# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays in NumPy's packed files (`.npz`), and what NumPy raises on damaged ones."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Dict

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, check_file

UNREADABLE = (
    ValueError,
    TypeError,
    OverflowError,
    OSError,
    EOFError,
    SyntaxError,
    TokenError,
    RecursionError,
    MemoryError,
)
"""Errors of numpy for damaged headers, which are Python expressions, and for short files."""
UNPACKABLE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""Errors of archives that are damaged, packed in another way, or encrypted."""
MOST_BYTES = 1 << 30
"""Files that unpack to more are refused: four times what the largest detector needs."""


def read_arrays(path: PathLike) -> Dict[str, np.ndarray]:
    """The arrays of a file by name.

    Raises
    ------
    InputError
        If the file is missing, of another kind or damaged, holds Python objects, or unpacks to
        more than `MOST_BYTES`.
    """
    check_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > MOST_BYTES:
                raise InputError(f"{path} unpacks to {size} bytes, expected {MOST_BYTES} at most")
            packed = {name: io.BytesIO(archive.read(name)) for name in archive.namelist()}
        return {
            Path(name).stem: np.lib.format.read_array(stream, allow_pickle=False)
            for name, stream in packed.items()
        }
    except InputError:
        raise
    except (*UNREADABLE, *UNPACKABLE) as error:
        raise InputError(
            f"expected arrays as numpy packs them, but {path} holds none ({str(error)[:80]})"
        ) from None
