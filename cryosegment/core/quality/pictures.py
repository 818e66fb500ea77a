# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the labels of a few micrographs, the page and the summary with some of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cryosegment.core.images.overlay import write_png
from cryosegment.core.quality.figure import FIGURE_NAME, draw_quality
from cryosegment.core.quality.inspection import Inspection, Inspector
from cryosegment.core.quality.page import quality_page
from cryosegment.core.quality.report import Quality
from cryosegment.core.report import Overlay, photograph, write_page
from cryosegment.core.report.choice import evenly
from cryosegment.exchange.job import PAGE_NAME
from cryosegment.exchange.labels import LabelEntry


def write_pictures(
    folder: Path,
    quality: Quality,
    inspector: Inspector,
    entries: Sequence[LabelEntry],
    overlays: int,
) -> None:
    """Write `quality.png`, `report.html` and, in `overlays/`, micrographs with their labels.

    Parameters
    ----------
    folder
        The output folder.
    quality
        Quality of the labels.
    inspector
        The inspector that draws the micrographs.
    entries
        Micrographs with their labels.
    overlays
        Number of micrographs to draw, evenly from the weakest contrast to the strongest.

    Raises
    ------
    InputError
        If a file cannot be read or written.
    """
    by_name = {entry.name: entry for entry in entries}
    ranked = sorted(quality.inspections, key=_strength)
    shown = []
    for inspection in evenly(ranked, overlays):
        picture = inspector.picture(by_name[inspection.name])
        write_png(folder / "overlays" / f"{inspection.name}.png", picture)
        alt = f"labels of {inspection.name}"
        shown.append(Overlay(inspection.name, photograph(picture, alt, _title(inspection)), ()))
    write_page(folder / PAGE_NAME, quality_page(quality, ranked, shown))
    titles = {f"weakest contrast: {_title(ranked[0])}": ranked[0]}
    if len(ranked) > 1:
        middle = ranked[len(ranked) // 2]
        titles[f"middle contrast: {_title(middle)}"] = middle
    drawn = {title: inspector.picture(by_name[each.name]) for title, each in titles.items()}
    draw_quality(folder / FIGURE_NAME, quality, drawn)


def _strength(inspection: Inspection) -> float:
    return float(np.nan_to_num(abs(inspection.contrast.cohen_d)))


def _title(inspection: Inspection) -> str:
    return f"{inspection.name}, d {inspection.contrast.cohen_d:+.2f}"
