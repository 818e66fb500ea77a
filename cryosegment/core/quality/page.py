# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.html` of the check of labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryosegment.core.quality.figure import LEGEND, draw_panels
from cryosegment.core.quality.inspection import Inspection
from cryosegment.core.quality.report import Quality
from cryosegment.core.report import (
    Column,
    Fact,
    Facts,
    Overlay,
    Overlays,
    Page,
    Pictures,
    Place,
    Section,
    Table,
    Text,
)
from cryosegment.core.report.table import Cell

COLUMNS = (
    Column("micrograph"),
    Column("contrast", "+.2f", "of the particles against the background (Cohen's d)"),
    Column("particles", ","),
    Column("found too", ".0%", "labelled particles that the segmentation finds"),
    Column("not labelled", ".0%", "particles that the segmentation finds, without a label"),
    Column("IoU", ".3f", "overlap of the pixels of labels and segmentation"),
    Column("labelled", ".1%", "of the area"),
    Column("unknown", ".1%", "of the area"),
    Column("contamination", ".1%", "of the area"),
)


def quality_page(
    quality: Quality, ranked: Sequence[Inspection], overlays: Sequence[Overlay]
) -> Page:
    """The page of the check of labels.

    Parameters
    ----------
    quality
        Their quality.
    ranked
        Its micrographs, the weakest contrast first.
    overlays
        Micrographs with the outlines of their labels.
    """
    figures = quality.figures
    facts = [
        Fact("micrographs", f"{figures['micrographs']:,.0f}"),
        Fact("particles", f"{figures['particles']:,.0f}"),
        Fact("contrast", f"{figures['cohen_d']:+.2f}", "Cohen's d"),
        Fact("found too", f"{figures['supported']:.1%}", f"by the model {quality.segmentation}"),
        Fact("found, not labelled", f"{figures['unlabelled']:.1%}"),
    ]
    warnings = [Text(note, is_warning=True) for note in quality.notes]
    shown = {overlay.name for overlay in overlays}
    rows = [list(_cells(each, each.name in shown)) for each in ranked]
    sections = [
        Section("Summary", [Facts(facts), *warnings, Pictures(draw_panels(quality))]),
        Section("Micrographs", [Table(COLUMNS, rows)], "The weakest contrast first."),
    ]
    if overlays:
        lead = LEGEND.replace("\n", " ").capitalize() + "."
        sections.append(Section("Labels", [Overlays(overlays)], lead))
    return Page("Quality of labels", sections)


def _cells(own: Inspection, is_shown: bool) -> Iterator[Cell]:
    yield Place(own.name) if is_shown else own.name
    yield own.contrast.cohen_d
    yield len(own.centers_yx)
    yield own.agreement.supported_part
    yield own.agreement.unlabelled_part
    yield own.agreement.pixels.iou
    yield from (own.coverage, own.unknown, own.contamination)
