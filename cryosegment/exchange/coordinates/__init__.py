# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle centres of micrographs, and the files that hold them.

A centre counts pixels from the centre of the first pixel of the file: x = column, y = row.
Other frames are converted here and nowhere else.
"""

from cryosegment.exchange.coordinates.readers import read_coordinates
from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.coordinates.writers import (
    write_box,
    write_cbox,
    write_coordinates,
    write_coordinates_star,
    write_csv,
)

__all__ = [
    "Coordinates",
    "read_coordinates",
    "write_box",
    "write_cbox",
    "write_coordinates",
    "write_coordinates_star",
    "write_csv",
]
