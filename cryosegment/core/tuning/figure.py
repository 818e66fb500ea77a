# SPDX-License-Identifier: GPL-3.0-or-later
"""Figure of the tuning of picking parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cryosegment.core.report import new_figure
from cryosegment.core.report.colors import BLUE, GREEN, GREY, VERMILLION
from cryosegment.core.tuning.pick_search import Choice, PickTuning, f1_by_distance
from cryosegment.core.tuning.thresholds import THRESHOLDS
from cryosegment.exchange.files import atomic_path

SHOWN = 0.1
"""Range of F1 below the best that is shown in colours."""
CHOSEN, BEFORE = VERMILLION, GREY


def draw_tuning(path: Path, tuning: PickTuning) -> None:
    """Write a PNG: F1 over smallest distance and threshold, and the curves of the best.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    figure = new_figure(10, 4.2)
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    image = _draw_map(left, tuning)
    if image is not None:
        figure.colorbar(image, ax=left, label="F1")
    _draw_curves(right, tuning.best)
    _draw_before(right, tuning.before)
    right.legend(loc="lower left", fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _draw_map(axes: Any, tuning: PickTuning) -> Any:
    """Map of F1 around the best choice; empty if its finder is not in the grid."""
    chosen = tuning.best.trial.settings
    distances, f1 = f1_by_distance(tuning.trials, chosen)
    axes.set(xlabel="threshold", ylabel="smallest distance (diameters)")
    axes.set_title(str(chosen), fontsize=9)
    axes.plot(tuning.best.threshold, chosen.min_distance, "o", color=CHOSEN, markersize=9)
    if not len(distances):
        return None
    lowest = max(0.0, float(f1.max()) - SHOWN)
    return axes.pcolormesh(THRESHOLDS, distances, f1, shading="nearest", vmin=lowest)


def _draw_curves(axes: Any, choice: Choice) -> None:
    total = choice.trial.total()
    precision = total.hits / np.maximum(total.picks, 1)
    axes.plot(THRESHOLDS, precision, color=BLUE, label="precision")
    axes.plot(THRESHOLDS, total.hits / max(total.labelled, 1), color=GREEN, label="recall")
    axes.plot(THRESHOLDS, total.f1(), color=CHOSEN, label="F1")
    axes.axvline(choice.threshold, color=CHOSEN, linewidth=0.8)
    axes.set(xlabel="threshold", xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)


def _draw_before(axes: Any, choice: Choice) -> None:
    total = choice.trial.total()
    axes.plot(THRESHOLDS, total.f1(), "--", color=BEFORE, label="F1 of the card's settings")
    axes.axvline(choice.threshold, color=BEFORE, linewidth=0.8, linestyle="--")
