# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion's coordinates to the sets that a consensus is of, and back with their votes."""

from __future__ import annotations

from typing import Dict, Iterable, Tuple

import numpy as np
from pwem.objects import Coordinate, Micrograph, SetOfCoordinates, SetOfMicrographs
from pyworkflow.object import Float, Integer, Pointer, String

from cryosegment.convert import scaled_coordinates
from cryosegment.exchange.consensus import SET_SCORE, SETS, VOTES, ConsensusPicks
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.relion import ANGLES, CLASS, DIAMETER, FIGURE_OF_MERIT, SCORE

MEASURED = {SCORE: "scores", FIGURE_OF_MERIT: "scores", DIAMETER: "diameters"}
"""Fields of a consensus that coordinates carry, by column."""


def latest(pointer: Pointer) -> SetOfCoordinates:
    """A set of coordinates, and its micrographs, as their files are now: they may still grow."""
    known = pointer.get()
    coordinates = SetOfCoordinates(filename=known.getFileName())
    coordinates.loadAllProperties()
    micrographs = SetOfMicrographs(filename=known.getMicrographs().getFileName())
    micrographs.loadAllProperties()
    coordinates.setMicrographs(Pointer(micrographs))
    return coordinates


def picks_on(
    coordinates: SetOfCoordinates, micrographs: SetOfMicrographs
) -> Dict[str, Coordinates]:
    """Picks and diameters of a set by micrograph; none of a set that is empty so far.

    Raises
    ------
    InputError
        If none of the picks lies on the micrographs.
    """
    if not coordinates.getSize():
        return {}
    return scaled_coordinates(coordinates, micrographs, with_diameters=True)


def append_agreed(
    target: SetOfCoordinates, picks: Iterable[Tuple[Micrograph, ConsensusPicks]]
) -> None:
    """Append picks of a consensus, with their votes and their score in each set.

    Positions are rounded, as Scipion's are integers.
    """
    for micrograph, found in picks:
        coordinate = _coordinate(found.is_in.shape[1])
        coordinate.setMicrograph(micrograph)
        columns = {column: getattr(found.coordinates, field) for column, field in MEASURED.items()}
        for i, scores in enumerate(found.set_scores.T, start=1):
            columns[f"{SET_SCORE}{i}"] = scores
        votes, sets = found.votes.tolist(), found.sets
        for i, (y, x) in enumerate(found.coordinates.centers_yx):
            coordinate.setObjId(None)
            coordinate.setPosition(round(float(x)), round(float(y)))
            getattr(coordinate, f"_{VOTES}").set(votes[i])
            getattr(coordinate, f"_{SETS}").set(sets[i])
            for column, values in columns.items():
                value = float(values[i]) if np.isfinite(values[i]) else None
                getattr(coordinate, f"_{column}").set(value)
            target.append(coordinate)


def _coordinate(sets: int) -> Coordinate:
    """A coordinate with all attributes, of which Scipion keeps the order."""
    coordinate = Coordinate()
    setattr(coordinate, f"_{VOTES}", Integer())
    setattr(coordinate, f"_{SETS}", String())
    for column in (*MEASURED, *(f"{SET_SCORE}{i}" for i in range(1, sets + 1))):
        setattr(coordinate, f"_{column}", Float())
    setattr(coordinate, f"_{CLASS}", Integer(0))
    setattr(coordinate, f"_{ANGLES[2]}", Float(0.0))
    return coordinate
