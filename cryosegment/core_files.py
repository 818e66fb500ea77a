# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of Scipion's images and volumes for the core, converted if needed."""

from __future__ import annotations

import os
from typing import Dict, Tuple, Union

import mrcfile
from pwem.emlib import DT_FLOAT, XmippError
from pwem.emlib.image import ImageHandler
from pwem.objects import (
    Class2D,
    Micrograph,
    Particle,
    SetOfAverages,
    SetOfClasses2D,
    Volume,
)

from cryosegment.convert import mic_name
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import atomic_path, micrograph_name

CORE_SUFFIXES = {".mrc", ".png", ".jpg", ".jpeg"}
"""Formats that the core reads with their rows in Scipion's order; others are converted. Of TIFF,
Scipion counts rows from the first in the file, RELION and so the core from the last."""
SAME = 0.01
"""Pixel sizes that differ by less than this fraction are the same."""


def core_file(micrograph: Micrograph, folder: str) -> str:
    """The micrograph's file if the core reads its format, else a copy as MRC in `folder`.

    Scipion's own library converts, so that coordinates and all later protocols count y from
    the same row.

    Raises
    ------
    InputError
        If the file cannot be read or converted.
    """
    path = micrograph.getFileName()
    if os.path.splitext(path)[1].lower() in CORE_SUFFIXES:
        return path
    return _converted(path, os.path.join(folder, mic_name(micrograph) + ".mrc"))


def _converted(source: Union[str, Tuple[int, str]], copy: str) -> str:
    """A copy as MRC of a file, or of one image of a stack; as float32, since bytes lose a sign."""
    try:
        with atomic_path(copy) as temporary:
            ImageHandler().convert(source, str(temporary), DT_FLOAT)
    except XmippError as error:
        reason = str(error).splitlines()[0].strip()
        raise InputError(f"cannot convert {source} to MRC: {reason}") from None
    return copy


def volume_file(volume: Volume, folder: str) -> str:
    """The volume's file if it is MRC with the sampling rate, else such a copy in `folder`.

    Raises
    ------
    InputError
        If the file cannot be read or converted.
    """
    path, sampling_rate = volume.getFileName().split(":")[0], volume.getSamplingRate()
    is_mrc = os.path.splitext(path)[1].lower() in (".mrc", ".map")
    if is_mrc and abs(_voxel_size(path) / sampling_rate - 1) < SAME:
        return path
    copy = _converted(path, os.path.join(folder, micrograph_name(path) + ".mrc"))
    with mrcfile.open(copy, "r+", permissive=True) as file:
        file.voxel_size = sampling_rate
    return copy


def template_image(images: Union[SetOfAverages, SetOfClasses2D], number: int) -> Particle:
    """An average by its number in the set: of a class, its representative.

    Number 0 is the average of the largest class, or the first of a set of averages.

    Raises
    ------
    InputError
        If there is no such average.
    """
    found: Dict[int, Particle] = {}
    sizes: Dict[int, int] = {}
    for item in images:
        is_class = isinstance(item, Class2D)
        if is_class and not item.hasRepresentative():
            continue
        found[item.getObjId()] = (item.getRepresentative() if is_class else item).clone()
        sizes[item.getObjId()] = item.getSize() if is_class else 0
    if not found:
        raise InputError("the templates hold no average: choose others")
    chosen = number or max(found, key=lambda own: sizes[own])
    if chosen not in found:
        raise InputError(f"no average has the number {number}: they go up to {max(found)}")
    return found[chosen]


def template_file(image: Particle, path: str) -> str:
    """The 2-D image alone, as MRC in `path`.

    Raises
    ------
    InputError
        If it cannot be read or written.
    """
    return _converted(image.getLocation(), path)


def _voxel_size(path: str) -> float:
    try:
        with mrcfile.open(path, permissive=True, header_only=True) as file:
            return float(file.voxel_size.x)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the map {path}: {error}") from None
