# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle centres of micrographs, and the files that hold them.

A centre counts pixels from the centre of the first pixel of the file: x = column, y = row.
Other frames are converted here and nowhere else.
"""

from cryosegment.exchange.coordinates.box import BOX_PER_DIAMETER, box_side
from cryosegment.exchange.coordinates.formats import JOINT, WRITTEN, write_coordinates_as
from cryosegment.exchange.coordinates.reader import (
    EVERYTHING,
    read_coordinates,
    read_coordinates_of,
    read_tolerantly,
)
from cryosegment.exchange.coordinates.record import Coordinates, Picked
from cryosegment.exchange.coordinates.relion import write_coordinates, write_coordinates_star

__all__ = [
    "BOX_PER_DIAMETER",
    "EVERYTHING",
    "JOINT",
    "WRITTEN",
    "Coordinates",
    "Picked",
    "box_side",
    "read_coordinates",
    "read_coordinates_of",
    "read_tolerantly",
    "write_coordinates",
    "write_coordinates_as",
    "write_coordinates_star",
]
