# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a survey."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float
from scipy.ndimage import median_filter

from cryosegment.core.report import Picture, figure_picture, new_figure, photograph, plain
from cryosegment.core.report.colors import GREY, SERIES
from cryosegment.core.report.pictures import in_grey
from cryosegment.core.survey.appearance import PIXELS, Appearance
from cryosegment.core.survey.survey import SetSurvey, Survey

WIDE, NARROW = (9.6, 3.0), (4.3, 3.0)
"""Width and height of figures, inches."""
WINDOW = 20
"""Running medians are of a twentieth of the micrographs."""
FEW, MANY = 50, 500
"""Points are larger where there are few, and drawn as pixels where there are many."""
SHOWN = 4
"""Times that mean images are enlarged."""
SHORT = 60.0
"""Picking times that span less, in seconds, are not drawn."""


def color(number: int) -> str:
    """Colour of a set."""
    return SERIES[number % len(SERIES)]


def draw_counts(survey: Survey) -> Picture:
    """Picks on each micrograph in the order of the acquisition."""
    order = np.arange(1, len(survey.names) + 1)
    figure, axes = _axes(WIDE, "micrograph", "picks")
    for number, own in enumerate(survey.sets):
        _scatter(axes, order, own.counts, number, own.label)
    _end(axes, len(survey.sets))
    caption = "In the order of the acquisition"
    if len(axes.lines) > len(survey.sets):
        caption += "; lines: running median"
    return figure_picture(figure, "picks on each micrograph", caption)


def draw_times(survey: Survey) -> Iterator[Picture]:
    """Picks on each micrograph by the time when it was picked, where that is known."""
    times = np.array([own.times for own in survey.sets])
    known = times[~np.isnan(times)]
    if not len(known) or np.ptp(known) < SHORT:
        return
    from matplotlib.dates import ConciseDateFormatter

    figure, axes = _axes(WIDE, "", "picks")
    for number, own in enumerate(survey.sets):
        is_known = ~np.isnan(own.times)
        order = np.argsort(own.times[is_known], kind="stable")
        when = [datetime.fromtimestamp(each) for each in own.times[is_known][order]]
        _scatter(axes, np.array(when), own.counts[is_known][order], number, own.label)
    _end(axes, len(survey.sets))
    locator = axes.xaxis.get_major_locator()
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    yield figure_picture(figure, "picks over time", "By the time when each was picked")


def draw_defocus(survey: Survey) -> Iterator[Picture]:
    """Picks on each micrograph by its defocus, where that is known."""
    if np.isnan(survey.defocus).all():
        return
    figure, axes = _axes(NARROW, "defocus (µm)", "picks")
    for number, own in enumerate(survey.sets):
        _points(axes, survey.defocus, own.counts, number, own.label)
    _end(axes, len(survey.sets))
    yield figure_picture(figure, "picks by defocus", "By the defocus")


def draw_drift(own: SetSurvey, number: int) -> Picture:
    """Scores on each micrograph in the order of the acquisition."""
    figure, axes = _axes(NARROW, "micrograph", "score")
    order = np.arange(1, len(own.counts) + 1)
    low, middle, high = own.quartiles.T
    axes.fill_between(order, low, high, color=color(number), alpha=0.25, lw=0)
    axes.plot(order, middle, color=color(number), lw=1)
    return figure_picture(
        figure, f"scores of {own.label} on each micrograph", f"{own.label}: median and quartiles"
    )


def draw_scores(own: SetSurvey, number: int) -> Picture:
    """Histogram of the scores."""
    figure, axes = _axes(NARROW, "score", "picks")
    axes.stairs(own.histogram, own.edges, fill=True, color=color(number))
    return figure_picture(figure, f"scores of {own.label}", own.label)


def draw_distances(own: SetSurvey, number: int, diameter: float) -> Picture:
    """Pairs of picks at each distance, beside discs."""
    found = own.arrangement
    figure, axes = _axes(NARROW, "distance (Å)", "pairs, relative to chance")
    middle = (found.edges[:-1] + found.edges[1:]) / 2
    axes.axhline(1, color=GREY, lw=0.8)
    axes.axvline(diameter, color=GREY, lw=0.8, ls=":")
    axes.plot(middle, found.pairs, color=color(number), label="picks")
    axes.plot(middle, found.disc_pairs, color="black", lw=1, ls="--", label="discs at random")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, frameon=False)
    caption = f"{own.label}; discs of {found.disc_diameter:.0f} Å; dotted: the particle diameter"
    return figure_picture(figure, f"distances of the picks of {own.label}", caption)


def draw_false_discoveries(own: SetSurvey, number: int) -> Iterator[Picture]:
    """Share of false picks above each threshold as decoys say it, where there are decoys."""
    if own.false_discoveries is None:
        return
    thresholds, rates = own.false_discoveries
    figure, axes = _axes(NARROW, "threshold", "false picks, of all")
    axes.plot(thresholds, rates, color=color(number))
    axes.set_ylim(0, max(0.05, 1.05 * float(rates.max())))
    yield figure_picture(
        figure, f"false discoveries of {own.label}", f"{own.label}: false picks by noise alone"
    )


def draw_means(label: str, means: Sequence[Appearance]) -> list[Picture]:
    """Mean image of each group of scores, at the same grey levels."""
    if not means:
        return []
    images = in_grey(np.concatenate([mean.image for mean in means], axis=1))
    pictures = []
    for mean, image in zip(means, np.split(images, len(means), axis=1), strict=True):
        scores = "" if np.isnan(mean.lowest) else f", scores from {mean.lowest:.3g}"
        large = cv2.resize(image, None, fx=SHOWN, fy=SHOWN, interpolation=cv2.INTER_CUBIC)
        pictures.append(
            photograph(large, f"mean image of {label}", f"{label}: {mean.count} picks{scores}")
        )
    return pictures


def draw_profiles(groups: Mapping[str, Sequence[Appearance]], diameter: float) -> Picture:
    """Mean grey level by the distance from the centre, of the group of each set that scores best.

    The others of a set are thinner.
    """
    figure, axes = _axes(NARROW, "distance from the centre (Å)", "grey level (noise)")
    radii = np.arange(PIXELS + 1) * diameter / PIXELS
    for number, (label, means) in enumerate(groups.items()):
        for mean in means:
            is_best = mean is means[-1]
            name, width = (plain(label), 2.0) if is_best else (None, 0.7)
            axes.plot(radii, mean.profile, color=color(number), lw=width, label=name)
    axes.axhline(0, color=GREY, lw=0.8)
    axes.axvline(diameter / 2, color=GREY, lw=0.8, ls=":")
    _end(axes, len(groups), from_zero=False)
    return figure_picture(
        figure,
        "radial profile of the mean images",
        "Thick: the best quarter of the scores; dotted: the particle radius",
    )


def _scatter(axes: Any, x: np.ndarray, y: Float[np.ndarray, " n"], number: int, label: str) -> None:
    """Points, and their running median."""
    known = ~np.isnan(y)
    _points(axes, x, y, number, label)
    if known.sum() >= WINDOW:
        window = max(3, int(known.sum()) // WINDOW)
        axes.plot(x[known], median_filter(y[known], window, mode="nearest"), color=color(number))


def _points(axes: Any, x: np.ndarray, y: np.ndarray, number: int, label: str) -> None:
    axes.plot(
        *(x, y, "."),
        color=color(number),
        alpha=0.5,
        markersize=4 if len(x) > FEW else 9,
        label=plain(label),
        rasterized=len(x) > MANY,
    )


def _axes(size: tuple[float, float], x: str, y: str) -> tuple[Any, Any]:
    figure = new_figure(*size)
    axes = figure.add_subplot()
    axes.set(xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _end(axes: Any, sets: int, from_zero: bool = True) -> None:
    if from_zero:
        axes.set_ylim(bottom=0)
    if sets > 1:
        axes.legend(fontsize=8, frameon=False)
