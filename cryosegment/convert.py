# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion's sets to and from the exchange records; camelCase and "sampling rate" end here."""

from __future__ import annotations

import os
from typing import Iterable, List, Tuple

import mrcfile
import numpy as np
from pwem.emlib import XmippError
from pwem.emlib.image import ImageHandler
from pwem.objects import Coordinate, Micrograph, SetOfCoordinates
from pyworkflow.object import Float, Integer

from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import atomic_path, micrograph_name

CORE_SUFFIXES = {".mrc", ".tif", ".tiff", ".png", ".jpg", ".jpeg"}
"""Formats that the core reads, their rows in Scipion's order; others are converted."""


def mic_name(micrograph: Micrograph) -> str:
    """Name of a Scipion micrograph in the exchange records: no folder, no suffix."""
    return micrograph_name(micrograph.getMicName() or micrograph.getFileName())


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
    copy = os.path.join(folder, mic_name(micrograph) + ".mrc")
    try:
        with atomic_path(copy) as temporary:
            ImageHandler().convert(path, str(temporary))
    except XmippError as error:
        reason = str(error).splitlines()[0].strip()
        raise InputError(f"cannot convert {path} to MRC: {reason}") from None
    return copy


def append_coordinates(
    target: SetOfCoordinates, records: Iterable[Tuple[Micrograph, Coordinates]]
) -> None:
    """Append picks to a Scipion set, with the scores that RELION's files keep.

    Positions are rounded here and only here: Scipion's are integers.
    """
    coordinate = Coordinate()
    coordinate._cryosegmentScore = Float()
    coordinate._cryosegmentDiameter = Float()
    coordinate._rlnAutopickFigureOfMerit = Float()
    coordinate._rlnClassNumber = Integer(0)
    coordinate._rlnAnglePsi = Float(0.0)
    for micrograph, record in records:
        coordinate.setMicrograph(micrograph)
        for (y, x), score, diameter in zip(record.centers_yx, record.scores, record.diameters):
            coordinate.setObjId(None)
            coordinate.setPosition(round(float(x)), round(float(y)))
            coordinate._cryosegmentScore.set(float(score))
            coordinate._cryosegmentDiameter.set(float(diameter) if np.isfinite(diameter) else None)
            coordinate._rlnAutopickFigureOfMerit.set(float(score))
            target.append(coordinate)


def mask_content(path: str) -> Tuple[int, float]:
    """Number of particles in an instance mask and the fraction of the area they cover."""
    with mrcfile.open(path) as mask:
        labels = mask.data
        particles = np.bincount(labels[labels > 0].ravel()) if labels.size else np.zeros(0)
        return int(np.count_nonzero(particles)), float(particles.sum() / max(labels.size, 1))


def card_lines(card: ModelCard) -> List[str]:
    """What a user wants to know of a model, a fact a line."""
    lines = [f"*{card.name}*: {card.architecture} network, labels from {card.label_source}."]
    if card.particle_diameters:
        small, large = min(card.particle_diameters), max(card.particle_diameters)
        lines.append(f"Particle diameters seen in training: {small:.0f} to {large:.0f} Å.")
    lines.append(f"Recommended threshold: {card.threshold:.2f}.")
    for metric in card.metrics:
        lines.append("Measured: " + ", ".join(f"{key} {value}" for key, value in metric.items()))
    return lines
