# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of matplotlib as pictures of a page: lines and text that stay sharp when enlarged."""

from __future__ import annotations

import io
import warnings
from typing import Any

from cryosegment.core.report.pictures import Picture, data_uri

PIXELS = 96
"""CSS px to an inch."""


def new_figure(width: float, height: float) -> Any:
    """An empty figure of matplotlib; width and height in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def figure_picture(figure: Any, alt: str, caption: str = "") -> Picture:
    """Picture of a figure, as SVG; equal figures give equal bytes."""
    import matplotlib

    content = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}):
        with warnings.catch_warnings():
            # the browser has letters that matplotlib's font lacks
            warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
            figure.savefig(content, format="svg", metadata={"Date": None})
    width, height = (round(PIXELS * inches) for inches in figure.get_size_inches())
    return Picture(data_uri("image/svg+xml", content.getvalue()), width, height, alt, caption)


def plain(text: str) -> str:
    """Text that a figure shows as it stands: no formula, and in legends too."""
    text = text.replace("$", r"\$")
    return f"\u200b{text}" if text.startswith("_") else text
