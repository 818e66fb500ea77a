# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports: one HTML page each, which needs no other file and no network.

A `Page` has `Section`s, and a section has parts: `Facts`, `Text`, `Command`, `Table`, `Pictures`
(photographs and matplotlib's figures), `Overlays` (micrographs with marks, to zoom), `Sheet`s of
small pictures and `Thresholds` to move. `write_page` writes it; names of files are text there,
never markup.
"""

from cryosegment.core.report.figures import figure_picture, new_figure, plain
from cryosegment.core.report.overlays import Marks, MarkStyle, Overlay, Overlays
from cryosegment.core.report.page import Page, Section, render_page, write_page
from cryosegment.core.report.parts import (
    Command,
    Fact,
    Facts,
    Pictures,
    Sheet,
    Text,
    Tile,
)
from cryosegment.core.report.pictures import Picture, photograph
from cryosegment.core.report.table import Bar, Column, Estimate, Place, Table
from cryosegment.core.report.thresholds import Histogram, Thresholds, histogram_of

__all__ = [
    "Bar",
    "Column",
    "Command",
    "Estimate",
    "Fact",
    "Facts",
    "Histogram",
    "MarkStyle",
    "Marks",
    "Overlay",
    "Overlays",
    "Page",
    "Picture",
    "Pictures",
    "Place",
    "Section",
    "Sheet",
    "Table",
    "Text",
    "Thresholds",
    "Tile",
    "figure_picture",
    "histogram_of",
    "new_figure",
    "photograph",
    "plain",
    "render_page",
    "write_page",
]
