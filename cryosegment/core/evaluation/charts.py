# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves of an evaluation, as figures of its report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from jaxtyping import Float

from cryosegment.core.report import Picture, figure_picture, new_figure, plain
from cryosegment.core.report.colors import BLUE, GREY, ORANGE, SERIES, VERMILLION
from cryosegment.exchange.evaluation import Evaluation, SetEvaluation

SIZE = (4.3, 3.6)
"""Of a figure, inches: three are beside each other on a laptop."""
CENTERING_BINS = 25
LINES = ("-", "--", "-.", ":")
"""Of sets, after the colours: the colours begin again after seven."""


def draw_curves(evaluation: Evaluation) -> list[Picture]:
    """Precision-recall and threshold curves, calibration and centring, where there are any."""
    sets = evaluation.sets
    pictures = [_draw_precision_recall(sets)]
    pictures += [_draw_thresholds(each) for each in sets if len(each.curve.thresholds) > 1]
    if any(each.reliability for each in sets):
        pictures.append(_draw_reliability(sets))
    if any(each.center_errors for each in sets):
        pictures.append(_draw_centering(evaluation))
    return pictures


def _styled(sets: Sequence[SetEvaluation]) -> Iterator[tuple[SetEvaluation, dict[str, Any]]]:
    """Sets with how their lines look, the same in all figures."""
    lines = (line for line in cycle(LINES) for _ in SERIES)
    for each, color, line in zip(sets, cycle(SERIES), lines):
        yield each, {"color": color, "linestyle": line}


def _draw_precision_recall(sets: Sequence[SetEvaluation]) -> Picture:
    figure, axes = _new_axes("precision and recall")
    for each, style in _styled(sets):
        curve, best = each.curve, each.best_point
        axes.plot(
            curve.recall, curve.precision, drawstyle="steps-pre", label=plain(each.name), **style
        )
        if best is not None:
            axes.plot(*best, "o", color=style["color"])
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.legend(loc="lower left", fontsize=8)
    return figure_picture(
        figure,
        "precision over recall of all sets",
        "Of the picks from the best scores down. Dots: the best F1.",
    )


def _draw_thresholds(own: SetEvaluation) -> Picture:
    figure, axes = _new_axes(f"{plain(own.name)}: picks above a threshold")
    curve = own.curve
    for name, color, line in (
        ("precision", BLUE, "-"),
        ("recall", ORANGE, "--"),
        ("f1", VERMILLION, "-."),
    ):
        values = getattr(curve, name)
        label = "F1" if name == "f1" else name
        axes.plot(curve.thresholds, values, color=color, linestyle=line, label=label)
    axes.axvline(own.overall.best_threshold, color=GREY, lw=1)
    axes.set(ylim=(0, 1.02), xlabel="threshold of the score")
    axes.legend(loc="lower center", fontsize=8)
    return figure_picture(
        figure,
        f"precision, recall and F1 of {own.name} over the threshold",
        f"Of the picks that score at least the threshold; the line is at the best F1, "
        f"{own.overall.best_threshold:.3g}.",
    )


def _draw_reliability(sets: Sequence[SetEvaluation]) -> Picture:
    figure, axes = _new_axes("calibration of the scores")
    axes.plot((0, 1), (0, 1), color=GREY, lw=1)
    for each, style in _styled(sets):
        if each.reliability:
            scores = [own.mean_score for own in each.reliability]
            right = [own.precision for own in each.reliability]
            axes.plot(scores, right, marker="o", ms=4, label=plain(each.name), **style)
    axes.set(
        xlim=(0, 1), ylim=(0, 1.02), xlabel="mean score of the picks", ylabel="part that is right"
    )
    axes.legend(loc="upper left", fontsize=8)
    return figure_picture(
        figure,
        "part of the picks that is right over their mean score",
        "On the line, a score is the probability that the pick is right.",
    )


def _draw_centering(evaluation: Evaluation) -> Picture:
    figure, axes = _new_axes("centring of the hits")
    farthest = max(max(each.center_errors, default=0.0) for each in evaluation.sets)
    edges = np.linspace(0, farthest or 1, CENTERING_BINS + 1)
    for each, style in _styled(evaluation.sets):
        if each.center_errors:
            parts = percentages(each.center_errors, edges)
            axes.stairs(parts, edges, label=plain(each.name), lw=1.5, **style)
    axes.set(xlim=(0, edges[-1]), xlabel="distance from the particle (Å)", ylabel="hits (%)")
    axes.legend(loc="upper right", fontsize=8)
    return figure_picture(
        figure,
        "histogram of the distances of hits from their particles",
        f"A pick is a hit if {evaluation.rule}.",
    )


def percentages(
    quantiles: Sequence[float], edges: Float[np.ndarray, " edges"]
) -> Float[np.ndarray, " bins"]:
    """Percentage in each bin of what has quantiles at even distances, from least to largest."""
    below = np.interp(edges, quantiles, np.linspace(0, 100, len(quantiles)))
    return np.diff(below)


def _new_axes(title: str) -> tuple[Any, Any]:
    figure = new_figure(*SIZE)
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    return figure, axes
