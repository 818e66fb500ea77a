# SPDX-License-Identifier: GPL-3.0-or-later
"""STAR files (RELION, crYOLO, Xmipp) read and written."""

from cryosegment.exchange.star.block import Block
from cryosegment.exchange.star.reader import read_only_table, read_star
from cryosegment.exchange.star.subset import write_star_subset
from cryosegment.exchange.star.writer import Cell, write_parts, write_star

__all__ = [
    "Block",
    "Cell",
    "read_only_table",
    "read_star",
    "write_parts",
    "write_star",
    "write_star_subset",
]
