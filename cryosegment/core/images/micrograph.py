# SPDX-License-Identifier: GPL-3.0-or-later
"""The micrograph record, and images from and to files of every format."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.images.mrc import write_mrc
from cryosegment.core.images.reading import read_file
from cryosegment.exchange.ctf import CtfEstimate
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, micrograph_name

MIN_SIDE = 16
"""Micrographs below this many pixels a side are refused."""

MAX_BAD = 0.25
"""Micrographs of which a larger share is NaN, infinite or beyond `LARGEST` are refused."""

LARGEST = 1e36
"""Grey levels beyond this cannot be calculated with in float32."""

MENDED = "pixels that are NaN or infinite are set to the median"
REAL = "biuf"
"""Kinds of NumPy's types that are real numbers."""
DOUBTFUL_PIXEL_SIZE = "pixel size 1 Å/px is from the header; is it right? Else give --pixel-size"


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
    notes
        Remarks for users on how it was read, in sentences.

    Raises
    ------
    InputError
        If the image is smaller than `MIN_SIDE`, constant, or holds a pixel that is NaN, infinite
        or beyond `LARGEST`; or if the pixel size is not above 0.
    """

    image: Float[Tensor, "h w"]
    pixel_size: float
    name: str
    ctf: CtfEstimate | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        height, width = self.image.shape
        if min(height, width) < MIN_SIDE:
            raise InputError(
                f"micrograph {self.name} has {height} x {width} px, expected at least {MIN_SIDE} "
                "a side: leave it out"
            )
        if not _is_finite(self.image):
            raise InputError(
                f"micrograph {self.name} holds NaN, infinite or huge pixels: repair it or leave it "
                "out"
            )
        low, high = (float(value) for value in torch.aminmax(self.image))
        if low == high:
            raise InputError(
                f"micrograph {self.name} is constant (every pixel is {low:g}): leave it out"
            )
        if not (math.isfinite(self.pixel_size) and self.pixel_size > 0):
            raise InputError(
                f"expected a pixel size above 0 of micrograph {self.name}, got {self.pixel_size}: "
                "give it in Å/px"
            )


def _is_finite(image: Float[Tensor, "h w"]) -> bool:
    low, high = (float(value) for value in torch.aminmax(image))  # NaN where there is one
    return low >= -LARGEST and high <= LARGEST


def read_micrograph(
    path: PathLike,
    pixel_size: float | None = None,
    name: str | None = None,
    ctf: CtfEstimate | None = None,
) -> Micrograph:
    """Micrograph from an MRC, TIFF, PNG or JPEG file; gzip and bzip2 are unpacked.

    Single pixels that are NaN or infinite, as motion correction leaves them, get the median.

    Parameters
    ----------
    path
        File to read. The format is recognised by the content, not by the name.
    pixel_size
        Å/px; wins over the header's. None takes the header's.
    name
        Name of the record; by default the file's.
    ctf
        Of the record.

    Raises
    ------
    InputError
        If the file is missing, truncated, no image, holds several sections, much that is NaN
        or only one value, or if nobody says the pixel size.
    """
    path = Path(path)
    values, header_pixel_size, notes = read_file(path)
    if pixel_size is None:
        if not header_pixel_size:
            raise InputError(
                f"the header of {path} has no pixel size, or pixels that are not square: "
                "give --pixel-size"
            )
        pixel_size = header_pixel_size
        notes += [DOUBTFUL_PIXEL_SIZE] if pixel_size == 1.0 else []
    name = micrograph_name(path) if name is None else name
    return _checked(values, str(path), pixel_size, name, ctf, notes)


def micrograph_in_memory(
    image: npt.ArrayLike | Tensor,
    pixel_size: float,
    name: str = "image",
    ctf: CtfEstimate | None = None,
) -> Micrograph:
    """Micrograph from an image in memory, checked and mended like one that is read.

    Parameters
    ----------
    image
        `(h, w)`, or one section of it, `(1, h, w)`; real numbers of any type, a NumPy array or a
        tensor on any device. It is not changed.
    pixel_size
        Å/px.
    name, ctf
        Of the record.

    Raises
    ------
    InputError
        If it is not one image of real numbers, or a file with it would be refused.
    """
    if isinstance(image, Tensor):
        image = image.detach().cpu()
        values = (image if image.is_complex() else image.float()).numpy()
    else:
        values = np.asarray(image)
    if values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 2 or values.dtype.kind not in REAL:
        raise InputError(
            f"expected {name} to be one image (h, w) of real numbers, got shape {values.shape} of "
            f"type {values.dtype}: give one section of it"
        )
    return _checked(values, name, pixel_size, name, ctf, [])


def _checked(
    values: npt.NDArray[np.generic],
    source: str,
    pixel_size: float,
    name: str,
    ctf: CtfEstimate | None,
    notes: list[str],
) -> Micrograph:
    """Micrograph of grey levels of any type and order of bytes, mended; the source is named."""
    with np.errstate(over="ignore"):
        image = torch.from_numpy(np.require(values, np.float32, ["C_CONTIGUOUS", "WRITEABLE"]))
    mended = _mended(image, source)
    notes = [*notes, MENDED] if mended is not image else notes
    return Micrograph(mended, pixel_size, name, ctf, tuple(notes))


def _mended(image: Float[Tensor, "h w"], source: str) -> Float[Tensor, "h w"]:
    """The image with the median in place of pixels that are no number; itself where none is."""
    if _is_finite(image):
        return image
    is_good = image.abs() <= LARGEST
    bad = 1 - float(is_good.double().mean())
    if bad > MAX_BAD:
        raise InputError(f"{bad:.0%} of {source} is NaN or infinite: repair it or leave it out")
    return torch.where(is_good, image, image[is_good].median())


def read_image(path: PathLike) -> tuple[npt.NDArray[np.generic], float]:
    """Image `(h, w)` in the file's own type, and its pixel size in Å/px (0 where unknown).

    Parameters
    ----------
    path
        MRC, TIFF, PNG or JPEG file, or one packed with gzip or bzip2: a micrograph, a label map,
        a probability map. Rows of TIFF come as RELION has them (see `read_tiff`).

    Raises
    ------
    InputError
        If the file is missing, truncated, no image or holds several sections.
    """
    image, pixel_size, _ = read_file(Path(path))
    return image, pixel_size


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
