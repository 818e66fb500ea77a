# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.html` of a ranking: a page with a threshold that can be moved, and its pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from cryosegment.core.particles.gallery import Gallery, Image, Shown
from cryosegment.core.report import (
    Histogram,
    Page,
    Pictures,
    Section,
    Thresholds,
    figure_picture,
    histogram_of,
    new_figure,
    write_page,
)
from cryosegment.core.report.colors import BLUE, YELLOW
from cryosegment.exchange.files import atomic_path
from cryosegment.exchange.job import PAGE_NAME
from cryosegment.exchange.particles import ParticleFile
from cryosegment.exchange.particles.ranked import (
    AVERAGES_NAME,
    GALLERY_NAME,
    GROUPS_NAME,
)
from cryosegment.exchange.particles.scores import SCORES, Selection, bias_of

DEFOCUS_BINS = 12

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
    groups, averages = draw_groups(gallery, selection), draw_averages(gallery)
    where = draw_where(particles, selection)
    for name, figure in (
        (GALLERY_NAME, groups),
        (AVERAGES_NAME, averages),
        (GROUPS_NAME, where),
    ):
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=110)
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(content.getvalue())
    thresholds = Thresholds(
        list(_histograms(scores, selection)), selection.score, selection.threshold, command
    )
    sections = [
        Section(
            "Scores",
            [thresholds],
            bias_of(scores),
        ),
        Section(
            "Best, borderline and worst",
            [Pictures([figure_picture(groups, "best, borderline and worst particles")])],
            "Low-passed images; lines are around what the model takes for the particle's signal; "
            "numbers are the score.",
        ),
        Section(
            "Averages",
            [Pictures([figure_picture(averages, "averages of kept and dropped images")])],
        ),
        Section(
            "By micrograph and by defocus",
            [Pictures([figure_picture(where, "kept share by micrograph and by defocus")])],
        ),
    ]
    write_page(folder / PAGE_NAME, Page(f"Ranked particles of {particles.path.name}", sections))


def _histograms(scores: Scores, selection: Selection) -> Iterator[Histogram]:
    """Histogram of each score that any particle has."""
    for name, score in SCORES.items():
        meaning = score.meaning + (f" ({score.unit})" if score.unit else "")
        values = np.asarray(scores[name], np.float64)
        found = histogram_of(values, selection.chosen, name, meaning, score.is_rising)
        if found is not None:
            yield found


def draw_groups(gallery: Gallery, selection: Selection) -> Any:
    """The best, the borderline and the worst images, with outlines of what the model sees."""
    most = max(map(len, gallery.groups.values()))
    figure = new_figure(most * 0.95 + 0.6, len(gallery.groups) * 1.25 + 0.2)
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
        axes.contour(shown.signal, levels=[0.5], colors=YELLOW, linewidths=0.8)
    axes.set_title(f"\n{shown.value:.2f}", fontsize=8)


def draw_averages(gallery: Gallery) -> Any:
    """Averages of kept and of dropped images."""
    figure = new_figure(5.0, 2.8)
    for place, (name, (image, count)) in enumerate(gallery.averages.items(), start=1):
        axes = figure.add_subplot(1, 2, place)
        axes.set_axis_off()
        _draw_image(axes, image)
        axes.set_title(f"{name}: average of {count}", fontsize=9)
    return figure


def draw_where(particles: ParticleFile, selection: Selection) -> Any:
    """The kept share of the particles by micrograph and by defocus."""
    stacks, chosen = particles.stacks, selection.chosen
    figure = new_figure(9.0, 2.8)
    by_micrograph, by_defocus = figure.subplots(1, 2)
    counts = np.bincount(stacks.micrographs.numbers)
    shares = np.sort(np.bincount(stacks.micrographs.numbers, chosen) / np.maximum(counts, 1))
    by_micrograph.bar(np.arange(1, len(shares) + 1), shares, 1.0, color=BLUE)
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
        edges[:-1], kept / np.maximum(total, 1), np.diff(edges), align="edge", color=BLUE
    )
    return figure


def _draw_image(axes: Any, image: Image) -> None:
    low, high = np.percentile(image, (1, 99))
    axes.imshow(image, cmap="gray", vmin=low, vmax=high)
