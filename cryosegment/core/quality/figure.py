# SPDX-License-Identifier: GPL-3.0-or-later
"""The quality of labels in one figure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from cryosegment.core.labels.contrast import AS_LABELLED
from cryosegment.core.quality.report import Quality
from cryosegment.core.report import Picture, figure_picture, new_figure
from cryosegment.core.report.colors import BLUE, GREEN, GREY, ORANGE
from cryosegment.exchange.files import atomic_path

FIGURE_NAME = "quality.png"
SHOWN_SIDE = 480
"""Side of the part of a micrograph that is shown, px: about 12 particle diameters."""
LINE_HEIGHT, LINE_LENGTH = 0.02, 180
"""Height of the text relative to the plots below it, and its width in characters."""
PANEL_SIZE = (4.8, 3.2)
"""Of a panel by itself, inches."""
LEGEND = (
    "outlines: blue found by the segmentation too, orange not, white too near to the border;\n"
    "pink circles: found, but without a label"
)


def draw_quality(
    path: Path, quality: Quality, pictures: Mapping[str, UInt8[np.ndarray, "h w 3"]]
) -> None:
    """Write the summary of a labels folder as a PNG.

    Parameters
    ----------
    path
        File to make.
    quality
        The figures.
    pictures
        Up to two micrographs with their labels, by title; blue, green, red.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    figure = new_figure(15, 10)
    lines = _lines(quality)
    top, bottom = figure.subfigures(2, 1, height_ratios=(LINE_HEIGHT * len(lines), 1))
    for i, (line, color) in enumerate(lines):
        top.text(0.01, 1 - (i + 0.3) / len(lines), line, va="top", fontsize=10, color=color)
    left, right = bottom.subfigures(1, 2, width_ratios=(2, 3))
    _draw_pictures(left, pictures)
    for axes, draw in zip(right.subplots(3, 2).flat, PANELS.values(), strict=True):
        draw(axes, quality)
        axes.tick_params(labelsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def draw_panels(quality: Quality) -> list[Picture]:
    """The plots of the summary, each by itself."""
    pictures = []
    for name, draw in PANELS.items():
        figure = new_figure(*PANEL_SIZE)
        draw(figure.add_subplot(), quality)
        pictures.append(figure_picture(figure, name))
    return pictures


def _lines(quality: Quality) -> list[tuple[str, str]]:
    """The figures in words and, in red, the warnings: lines and their colours."""
    colored = [(each, "black") for each in quality.headlines]
    colored += [(each, "firebrick") for each in quality.notes]
    return [(line, color) for each, color in colored for line in textwrap.wrap(each, LINE_LENGTH)]


def _draw_pictures(part: Any, pictures: Mapping[str, UInt8[np.ndarray, "h w 3"]]) -> None:
    part.suptitle(LEGEND, fontsize=8)
    rows = part.subplots(len(pictures), 1, squeeze=False)
    for axes, (title, picture) in zip(rows[:, 0], pictures.items(), strict=True):
        height, width = picture.shape[:2]
        side = min(SHOWN_SIDE, height, width)
        y, x = (height - side) // 2, (width - side) // 2
        axes.imshow(picture[y : y + side, x : x + side, ::-1])
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()


def _draw_contrasts(axes: Any, quality: Quality) -> None:
    values = quality.contrasts
    wrong = float((np.sign(values) != np.sign(np.median(values))).mean()) if len(values) else 0.0
    axes.hist(values, bins=60, color=BLUE)
    axes.axvline(0, color=GREY, lw=1)
    axes.set(xlabel="contrast of a particle (Cohen's d)", ylabel="particles")
    axes.set_title(f"{len(values)} particles, {wrong:.1%} of the other sign", fontsize=9)


def _draw_placements(axes: Any, quality: Quality) -> None:
    placements = quality.placements
    colors = [GREEN if name == AS_LABELLED else GREY for name in placements]
    axes.barh(list(placements), list(placements.values()), color=colors)
    axes.invert_yaxis()
    axes.axvline(0, color=GREY, lw=1)
    axes.set_xlabel("mean grey level under the particles (SD)")
    axes.set_title("the labels as they are, or placed otherwise", fontsize=9)


def _draw_micrographs(axes: Any, quality: Quality) -> None:
    values = [inspection.contrast.cohen_d for inspection in quality.inspections]
    axes.bar(range(1, len(values) + 1), values, color=ORANGE)
    axes.axhline(0, color=GREY, lw=1)
    _label_micrographs(axes, len(values), "contrast (Cohen's d)")


def _draw_coverage(axes: Any, quality: Quality) -> None:
    bottom = np.zeros(len(quality.inspections))
    numbers = range(1, len(bottom) + 1)
    for name, color in (("coverage", BLUE), ("unknown", GREY), ("contamination", ORANGE)):
        values = np.array([100 * getattr(inspection, name) for inspection in quality.inspections])
        axes.bar(numbers, values, bottom=bottom, color=color, label=name)
        bottom += values
    axes.legend(fontsize=8, ncols=3, handlelength=1, loc="upper left")
    axes.set_ylim(0, 1.25 * float(bottom.max()) or 1)
    _label_micrographs(axes, len(bottom), "area (%)")


def _draw_agreement(axes: Any, quality: Quality) -> None:
    found = [inspection.agreement for inspection in quality.inspections]
    numbers = range(1, len(found) + 1)
    for label, values, color in (
        ("of labelled, found", [each.supported_part for each in found], GREEN),
        ("of found, labelled", [1 - each.unlabelled_part for each in found], BLUE),
        ("IoU of pixels", [each.pixels.iou for each in found], ORANGE),
    ):
        axes.plot(numbers, values, "o-", color=color, lw=1, ms=4, label=label)
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize=8, loc="lower left")
    axes.set_title(f"agreement with the segmentation ({quality.segmentation})", fontsize=9)
    _label_micrographs(axes, len(found), "part")


def _label_micrographs(axes: Any, count: int, label: str) -> None:
    axes.set(xlabel="micrograph, in the order of quality.csv", ylabel=label)
    axes.set_xlim(0.4, count + 0.6)
    if count <= 20:
        axes.set_xticks(range(1, count + 1))


def _draw_rejected(axes: Any, quality: Quality) -> None:
    rejected = quality.rejected
    axes.set_title(f"{sum(rejected.values())} particles without a label", fontsize=9)
    if not rejected:
        axes.text(0.5, 0.5, "none reported", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    bars = axes.barh(list(rejected), list(rejected.values()), height=0.5, color=ORANGE)
    axes.set_ylim(len(rejected) - 0.4, -0.6)
    axes.bar_label(bars, fontsize=8, padding=2)
    axes.margins(x=0.15)
    axes.set_xlabel("particles")


PANELS: Mapping[str, Callable[[Any, Quality], None]] = {
    "contrast of the particles": _draw_contrasts,
    "grey level under the particles at other placements": _draw_placements,
    "contrast of each micrograph": _draw_micrographs,
    "labelled and other area of each micrograph": _draw_coverage,
    "agreement with the segmentation": _draw_agreement,
    "particles without a label": _draw_rejected,
}
"""What draws each plot of the summary, by what it shows."""
