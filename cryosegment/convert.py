# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversion of Scipion's sets to and from the exchange records."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from pwem.objects import (
    Coordinate,
    CTFModel,
    Micrograph,
    Particle,
    SetOfCoordinates,
    SetOfCTF,
    SetOfMicrographs,
    SetOfParticles,
)
from pyworkflow.object import Float, Integer, String

from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.coordinates.relion import OF_PICKS
from cryosegment.exchange.ctf import CtfEstimate
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.labels import (
    PICKED,
    PICKS,
)
from cryosegment.exchange.particles import UNCLASSIFIED, Particles, poses_from_transforms
from cryosegment.exchange.relion import (
    ANGLES,
    CLASS,
    DIAMETER,
    FIGURE_OF_MERIT,
    PICK_SCORES,
    POSE_SCORE,
    SCORE,
)
from cryosegment.exchange.settings import recommended_threshold
from cryosegment.exchange.star import Block

SHAPE = (ANGLES[2], DIAMETER)
"""What coordinates carry of the shapes of their particles."""
FIELDS = {
    SCORE: "ranking",
    FIGURE_OF_MERIT: "ranking",
    **{column: field for field, column in OF_PICKS.items()},
    DIAMETER: "diameters",
}
"""What coordinates carry of a pick, in this order: the fields of `Coordinates` by column. The score
is there twice, as RELION's files keep it under its own name alone."""
TRUTH = (CLASS, *ANGLES)
DEFOCUS = ("U", "V", "Angle")
"""RELION's columns of simulated particles: species and orientation; what follows rlnDefocus."""


def mic_name(micrograph: Micrograph) -> str:
    """Name of a Scipion micrograph in the exchange records: no folder, no suffix."""
    return micrograph_name(micrograph.getMicName() or micrograph.getFileName())


def micrographs_by_name(micrographs: SetOfMicrographs) -> Dict[str, Micrograph]:
    """Micrographs of a set by their name in the exchange records."""
    return {mic_name(mic): mic.clone() for mic in micrographs}


def scaled_coordinates(
    coordinates: SetOfCoordinates, micrographs: SetOfMicrographs, with_diameters: bool = False
) -> Dict[str, Coordinates]:
    """Coordinates and scores by micrograph, of those that have any, in the micrographs' pixels.

    Micrographs are matched by name, or by id if a name is unknown. Angles are included if known,
    and the diameters that picking measured on demand.

    Raises
    ------
    InputError
        If none lies on these micrographs.
    """
    own = coordinates.getMicrographs().getSamplingRate()
    factor = own / micrographs.getSamplingRate()
    matched = Matching(micrographs)
    found: Dict[str, List[Tuple[float, ...]]] = {}
    for coordinate in coordinates:
        name = matched.name(coordinate.getMicName(), coordinate.getMicId())
        if name in matched.names:
            x, y = coordinate.getPosition()
            angle, diameter = (_known(coordinate, name) for name in SHAPE)
            score = _score(coordinate, PICK_SCORES)
            size = diameter if with_diameters else np.nan
            row = (y * factor, x * factor, score, size, angle)
            found.setdefault(name, []).append(row)
    if not found:
        raise InputError(
            f"none of {coordinates.getSize()} coordinates lies on the micrographs, such as "
            f"{min(matched.names, default='none')}: check the names"
        )
    pixel_size = micrographs.getSamplingRate()
    records = {}
    for name, rows in sorted(found.items()):
        y, x, scores, diameters, angles = np.array(rows).T
        centers_yx = np.stack((y, x), axis=1)
        records[name] = Coordinates(
            centers_yx, pixel_size, name, scores, diameters=diameters, angles=angles
        )
    return records


def has_pick_scores(coordinates: Optional[SetOfCoordinates]) -> bool:
    """Whether the coordinates have scores of a picker."""
    first = coordinates.getFirstItem() if coordinates is not None else None
    return first is not None and np.isfinite(_score(first, PICK_SCORES))


def _known(item: Union[Coordinate, Particle], column: str) -> float:
    """A number that an item may carry as an attribute named like a column, else NaN."""
    value = getattr(item, f"_{column}", None)
    return float(value.get()) if value is not None and value.hasValue() else np.nan


def pick_score(coordinate: Coordinate) -> float:
    """The score of a picker that a coordinate has, NaN where it has none."""
    return _score(coordinate, PICK_SCORES)


class Matching:
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
    """Refined particles of a Scipion set; their coordinates are in the pixels of that set.

    Scipion keeps the inverse of RELION's rotation, and shifts in px of the particle images.

    Raises
    ------
    InputError
        If a particle has no coordinate or no alignment.
    """
    matched, names = Matching(micrographs), []
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
        scores.append(_score(particle, (POSE_SCORE, *PICK_SCORES)))
        number = particle.getClassId()
        classes.append(UNCLASSIFIED if number is None else number)
    count, sampling_rate = len(names), particles.getSamplingRate()
    angles, shifts_yx = poses_from_transforms(transforms, sampling_rate)
    return Particles(
        micrographs=tuple(names),
        centers_yx=np.array(centers, dtype=np.float64).reshape(-1, 2),
        angles=angles,
        shifts_yx=shifts_yx,
        pixel_sizes=np.full(count, sampling_rate),
        scores=np.array(scores),
        rows=np.arange(1, count + 1),
        shapes=np.zeros((count, 2)),
        classes=np.array(classes),
    )


def _score(item: Union[Coordinate, Particle], columns: Sequence[str]) -> float:
    """The first score that an item has, NaN where it has none."""
    known = [score for score in (_known(item, name) for name in columns) if np.isfinite(score)]
    return known[0] if known else np.nan


def append_coordinates(
    target: SetOfCoordinates,
    records: Iterable[Tuple[Micrograph, Coordinates]],
    truth: Optional[Mapping[str, Block]] = None,
    doubts: Optional[Mapping[str, str]] = None,
) -> None:
    """Append picks to a Scipion set, with the scores that RELION's files keep.

    Positions are rounded here and only here: Scipion's are integers. With `truth`, RELION's
    columns of simulated particles by micrograph, coordinates have species and orientation, and
    no scores. With `doubts` by micrograph, they have the warnings about their micrograph.
    """
    fields = FIELDS if truth is None else {DIAMETER: FIELDS[DIAMETER]}
    coordinate = _with_attributes(fields, truth is not None)
    if doubts is not None:
        coordinate._cryosegmentDoubts = String()
    for micrograph, record in records:
        coordinate.setMicrograph(micrograph)
        if doubts is not None:
            coordinate._cryosegmentDoubts.set(doubts.get(record.name, ""))
        known = truth[record.name] if truth is not None else {}
        measured = {column: getattr(record, field) for column, field in fields.items()}
        for i, (y, x) in enumerate(record.centers_yx):
            coordinate.setObjId(None)
            coordinate.setPosition(round(float(x)), round(float(y)))
            for column, values in measured.items():
                getattr(coordinate, f"_{column}").set(_finite(values[i]))
            for name in TRUTH if known else ():
                getattr(coordinate, f"_{name}").set(known[name][i])
            target.append(coordinate)


def _with_attributes(columns: Iterable[str], has_views: bool) -> Coordinate:
    """A coordinate with columns of numbers, class and angles; Scipion keeps their order."""
    coordinate = Coordinate()
    for column in columns:
        setattr(coordinate, f"_{column}", Float())
    setattr(coordinate, f"_{CLASS}", Integer(0))
    setattr(coordinate, f"_{ANGLES[2]}", Float(0.0))
    for column in ANGLES[:2] if has_views else ():
        setattr(coordinate, f"_{column}", Float())
    return coordinate


def _finite(value: float) -> Optional[float]:
    return float(value) if np.isfinite(value) else None


def append_ctfs(target: SetOfCTF, truth: Iterable[Tuple[Micrograph, Block]]) -> None:
    """Append the CTF of micrographs, from RELION's columns of their simulated particles.

    A micrograph without particles has none, as its CTF is unknown.
    """
    for micrograph, block in truth:
        if block["rlnDefocusU"]:
            ctf = CTFModel()
            ctf.setStandardDefocus(*(float(block[f"rlnDefocus{name}"][0]) for name in DEFOCUS))
            ctf.setMicrograph(micrograph)
            target.append(ctf)


def ctf_estimates(ctfs: SetOfCTF) -> Dict[str, CtfEstimate]:
    """CTFs of a set by the name of their micrograph; those with missing values are left out.

    Micrographs without an acquisition have that of the set.
    """
    micrographs = ctfs.getMicrographs()
    usual = micrographs.getAcquisition() if micrographs is not None else None
    found = {}
    for ctf in ctfs:
        own = ctf.getMicrograph().getAcquisition()
        acquisition = own if own is not None and own.getVoltage() is not None else usual
        if acquisition is None:
            continue
        values = (
            ctf.getDefocusU(),
            ctf.getDefocusV(),
            ctf.getDefocusAngle(),
            acquisition.getVoltage(),
            acquisition.getSphericalAberration(),
            acquisition.getAmplitudeContrast(),
        )
        if all(value is not None and np.isfinite(value) for value in values):
            phase_shift = ctf.getPhaseShift() or 0.0
            found[mic_name(ctf.getMicrograph())] = CtfEstimate(*values, phase_shift)
    return found


def card_lines(card: ModelCard) -> List[str]:
    """The facts of a model for users, one in each line."""
    provenance = card.provenance
    source, diameters = provenance.label_source, provenance.particle_diameters
    lines = [f"*{card.name}*: {card.network.architecture} network, labels from {source}."]
    if PICKED in source or PICKS in source:
        lines.append("*The truth was a picker's*: F1 is the agreement with it.")
    if diameters:
        small, large = min(diameters), max(diameters)
        lines.append(f"Particle diameters seen in training: {small:.0f} to {large:.0f} Å.")
    lines.append(f"Recommended threshold: {recommended_threshold(card):.2f}.")
    for metric in provenance.metrics:
        facts = (f"{key} {_rounded(value)}" for key, value in metric.items())
        lines.append("Measured: " + ", ".join(facts) + ".")
    return lines


def _rounded(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
