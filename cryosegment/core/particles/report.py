# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.html` of a ranking: one page without other files, with a threshold that can be moved."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from cryosegment.core.particles.gallery import Gallery, Image, Shown
from cryosegment.exchange.files import atomic_path, read_text, write_text
from cryosegment.exchange.job import PAGE_NAME
from cryosegment.exchange.particles import ParticleFile
from cryosegment.exchange.particles.ranked import (
    AVERAGES_NAME,
    GALLERY_NAME,
    GROUPS_NAME,
)
from cryosegment.exchange.particles.scores import SCORES, Selection

BINS = 100
"""Bins of a histogram, between which its threshold can be moved."""
DEFOCUS_BINS = 12
KEPT_COLOR, DROPPED_COLOR, OUTLINE_COLOR = "#1f6f8b", "#c8553d", "#ffd23f"
TEMPLATE = Path(__file__).with_name("report.html")

Scores = Mapping[str, Float[np.ndarray, " n"]]


def write_report(
    folder: Path,
    particles: ParticleFile,
    scores: Scores,
    selection: Selection,
    gallery: Gallery,
    command: str,
) -> None:
    """Write the page, and its pictures for themselves.

    Parameters
    ----------
    folder
        Gets `report.html`, `gallery.png`, `averages.png` and `groups.png`.
    particles
        The list.
    scores
        Scores of each particle by name.
    selection
        Which are kept.
    gallery
        What they look like.
    command
        What selects others: a command line that score and threshold are added to.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    figures = {
        GALLERY_NAME: draw_groups(gallery, selection),
        AVERAGES_NAME: draw_averages(gallery),
        GROUPS_NAME: draw_where(particles, selection),
    }
    pictures = {}
    for name, figure in figures.items():
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=110)
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(content.getvalue())
        pictures[name] = base64.b64encode(content.getvalue()).decode()
    data = {
        "scores": list(_histograms(scores, selection)),
        "score": selection.score,
        "threshold": selection.threshold,
        "command": command,
    }
    page = read_text(TEMPLATE)
    page = page.replace("TITLE", html.escape(particles.path.name))
    page = page.replace('"DATA"', json.dumps(data).replace("</", "<\\/"))
    for name, picture in pictures.items():
        page = page.replace(f'src="{name}"', f'src="data:image/png;base64,{picture}"')
    write_text(folder / PAGE_NAME, page)


def _histograms(scores: Scores, selection: Selection) -> Iterator[dict[str, Any]]:
    """What the page draws of each score that any particle has."""
    for name, score in SCORES.items():
        values = np.asarray(scores[name], np.float64)
        known = np.isfinite(values)
        if not known.any():
            continue
        low, high = values[known].min(), values[known].max()
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
        kept, dropped = (
            np.histogram(values[known & chosen], edges)[0].tolist()
            for chosen in (selection.chosen, ~selection.chosen)
        )
        yield {
            "name": name,
            "meaning": score.meaning + (f" ({score.unit})" if score.unit else ""),
            "rising": score.is_rising,
            "edges": edges.tolist(),
            "kept": kept,
            "dropped": dropped,
        }


def draw_groups(gallery: Gallery, selection: Selection) -> Any:
    """The best, the borderline and the worst images, with outlines of what the model sees."""
    most = max(map(len, gallery.groups.values()))
    figure = _figure(most * 0.95 + 0.6, len(gallery.groups) * 1.25 + 0.2)
    axes = figure.subplots(len(gallery.groups), most, squeeze=False)
    for row, (name, group) in zip(axes, gallery.groups.items(), strict=True):
        for column, own in enumerate(row):
            own.set_axis_off()
            if column < len(group):
                _draw_shown(own, group[column])
        row[0].set_title(f"{name}\n{group[0].value:.2f}" if group else name, fontsize=8)
    return figure


def _draw_shown(axes: Any, shown: Shown) -> None:
    _draw_image(axes, shown.image)
    if shown.signal.min() < 0.5 < shown.signal.max():
        axes.contour(shown.signal, levels=[0.5], colors=OUTLINE_COLOR, linewidths=0.8)
    axes.set_title(f"\n{shown.value:.2f}", fontsize=8)


def draw_averages(gallery: Gallery) -> Any:
    """Averages of kept and of dropped images."""
    figure = _figure(5.0, 2.8)
    for place, (name, (image, count)) in enumerate(gallery.averages.items(), start=1):
        axes = figure.add_subplot(1, 2, place)
        axes.set_axis_off()
        _draw_image(axes, image)
        axes.set_title(f"{name}: average of {count}", fontsize=9)
    return figure


def draw_where(particles: ParticleFile, selection: Selection) -> Any:
    """The kept share of the particles by micrograph and by defocus."""
    stacks, chosen = particles.stacks, selection.chosen
    figure = _figure(9.0, 2.8)
    by_micrograph, by_defocus = figure.subplots(1, 2)
    counts = np.bincount(stacks.micrographs.numbers)
    shares = np.sort(np.bincount(stacks.micrographs.numbers, chosen) / np.maximum(counts, 1))
    by_micrograph.bar(np.arange(1, len(shares) + 1), shares, 1.0, color=KEPT_COLOR)
    by_micrograph.set(xlabel="micrograph, the worst first", ylabel="kept", ylim=(0, 1))
    known = np.isfinite(stacks.defocus)
    by_defocus.set(xlabel="defocus (µm)", ylabel="kept", ylim=(0, 1))
    if not known.any():
        by_defocus.set_title("the file tells no defocus", fontsize=9)
        return figure
    defocus = stacks.defocus[known] / 1e4
    edges = np.linspace(defocus.min(), max(defocus.max(), defocus.min() + 0.1), DEFOCUS_BINS + 1)
    total = np.histogram(defocus, edges)[0]
    kept = np.histogram(defocus[chosen[known]], edges)[0]
    by_defocus.bar(
        edges[:-1], kept / np.maximum(total, 1), np.diff(edges), align="edge", color=KEPT_COLOR
    )
    return figure


def _draw_image(axes: Any, image: Image) -> None:
    low, high = np.percentile(image, (1, 99))
    axes.imshow(image, cmap="gray", vmin=low, vmax=high)


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
