# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion's sets to and from the exchange records; camelCase and "sampling rate" end here."""

from __future__ import annotations

import os
from typing import Dict, Iterable, List, Optional, Tuple

import mrcfile
import numpy as np
from pwem.emlib import XmippError
from pwem.emlib.image import ImageHandler
from pwem.objects import (
    Coordinate,
    Micrograph,
    Particle,
    SetOfCoordinates,
    SetOfMicrographs,
    SetOfParticles,
    Volume,
)
from pyworkflow.object import Float, Integer

from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import atomic_path, micrograph_name
from cryosegment.exchange.particles import UNCLASSIFIED, Particles, angles_from_matrices

CORE_SUFFIXES = {".mrc", ".tif", ".tiff", ".png", ".jpg", ".jpeg"}
"""Formats that the core reads, their rows in Scipion's order; others are converted."""
SCORES = ("_rlnAutopickFigureOfMerit", "_cryosegmentScore", "_rlnMaxValueProbDistribution")
"""Attributes of a particle that score it, the first that is there; RELION's files keep them."""


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
    return _converted(path, os.path.join(folder, mic_name(micrograph) + ".mrc"))


def _converted(path: str, copy: str) -> str:
    try:
        with atomic_path(copy) as temporary:
            ImageHandler().convert(path, str(temporary))
    except XmippError as error:
        reason = str(error).splitlines()[0].strip()
        raise InputError(f"cannot convert {path} to MRC: {reason}") from None
    return copy


def micrographs_by_name(micrographs: SetOfMicrographs) -> Dict[str, Micrograph]:
    """Micrographs of a set by their name in the exchange records."""
    return {mic_name(mic): mic.clone() for mic in micrographs}


def scaled_coordinates(
    coordinates: SetOfCoordinates, micrographs: SetOfMicrographs
) -> Dict[str, Coordinates]:
    """Coordinates by micrograph, of those that have any, in the micrographs' own pixels.

    Names are matched, and ids where a name is unknown.

    Raises
    ------
    InputError
        If none lies on these micrographs.
    """
    own = coordinates.getMicrographs().getSamplingRate()
    factor = own / micrographs.getSamplingRate()
    matched = _Matching(micrographs)
    centers: Dict[str, List[Tuple[float, float]]] = {}
    for coordinate in coordinates:
        name = matched.name(coordinate.getMicName(), coordinate.getMicId())
        if name in matched.names:
            x, y = coordinate.getPosition()
            centers.setdefault(name, []).append((y * factor, x * factor))
    if not centers:
        raise InputError(
            f"none of {coordinates.getSize()} coordinates lies on the micrographs, such as "
            f"{min(matched.names, default='none')}: check the names"
        )
    pixel_size = micrographs.getSamplingRate()
    return {
        name: Coordinates(np.array(found), pixel_size, name)
        for name, found in sorted(centers.items())
    }


class _Matching:
    """Names of micrographs, found by name and then by id."""

    def __init__(self, micrographs: SetOfMicrographs) -> None:
        ids = {mic.getObjId(): mic_name(mic) for mic in micrographs}
        self.names = set(ids.values())
        self._ids = ids

    def name(self, text: Optional[str], number: Optional[int]) -> str:
        """Name of the micrograph meant; the name as it is where the set does not have it."""
        name = micrograph_name(text or "")
        return name if name in self.names else self._ids.get(number, name)


def refined_particles(particles: SetOfParticles, micrographs: SetOfMicrographs) -> Particles:
    """Refined particles of a Scipion set; their coordinates count the pixels they count there.

    Scipion keeps the inverse of RELION's rotation, and shifts in px of the particle images.

    Raises
    ------
    InputError
        If a particle has no coordinate or no alignment.
    """
    matched, names = _Matching(micrographs), []
    centers, transforms, scores, classes = [], [], [], []
    for particle in particles:
        coordinate = particle.getCoordinate()
        if coordinate is None or not particle.hasTransform():
            lacks = "coordinate" if coordinate is None else "alignment"
            raise InputError(
                f"particle {particle.getObjId()} has no {lacks}: give the particles of a 3-D "
                "refinement that were extracted from micrographs"
            )
        x, y = coordinate.getPosition()
        names.append(matched.name(coordinate.getMicName(), coordinate.getMicId()))
        centers.append((y, x))
        transforms.append(particle.getTransform().getMatrix())
        scores.append(_pose_score(particle))
        number = particle.getClassId()
        classes.append(UNCLASSIFIED if number is None else number)
    inverse = np.linalg.inv(np.array(transforms, dtype=np.float64).reshape(-1, 4, 4))
    count, sampling_rate = len(names), particles.getSamplingRate()
    return Particles(
        micrographs=tuple(names),
        centers_yx=np.array(centers, dtype=np.float64).reshape(-1, 2),
        angles=angles_from_matrices(inverse[:, :3, :3]),
        shifts_yx=-inverse[:, 1::-1, 3] * sampling_rate,
        pixel_sizes=np.full(count, sampling_rate),
        scores=np.array(scores),
        rows=np.arange(1, count + 1),
        shapes=np.zeros((count, 2)),
        classes=np.array(classes),
    )


def _pose_score(particle: Particle) -> float:
    for name in SCORES:
        value = getattr(particle, name, None)
        if value is not None and value.hasValue():
            return float(value.get())
    return 1.0


def volume_file(volume: Volume, folder: str) -> str:
    """The volume's file if it is MRC, else a copy as MRC in `folder`.

    Raises
    ------
    InputError
        If the file cannot be read or converted.
    """
    path = volume.getFileName().split(":")[0]
    if os.path.splitext(path)[1].lower() in (".mrc", ".map"):
        return path
    return _converted(path, os.path.join(folder, micrograph_name(path) + ".mrc"))


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
