# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files of every format; torch is not needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from cryosegment.core.images.mrc import read_mrc
from cryosegment.core.images.raster import (
    JPEG_START,
    PNG_START,
    TIFF_STARTS,
    read_picture,
    read_tiff,
)
from cryosegment.core.images.stream import open_image

MIRRORED = (
    "rows of TIFF are counted from the last in the file, as RELION, IMOD and EMAN2 do; a program "
    "that counts from the first has y = height - 1 - y"
)


def read_file(path: Path) -> tuple[npt.NDArray[np.generic], float, list[str]]:
    """Image `(h, w)` and pixel size (Å/px) of a file, and what to know about them.

    Parameters
    ----------
    path
        MRC, TIFF, PNG or JPEG file, or one packed with gzip or bzip2.

    Raises
    ------
    InputError
        If the file is missing, truncated, no image or holds several sections.
    """
    with open_image(path) as stream:
        start = stream.read(4)
        stream.seek(0)
        if start in TIFF_STARTS:
            return *read_tiff(stream, path), [MIRRORED]
        if start.startswith((PNG_START, JPEG_START)):
            return read_picture(stream, path), 0.0, []
        return *read_mrc(stream, path), []
