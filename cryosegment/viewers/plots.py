# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawings of picks, scores and masks on matplotlib axes; no Scipion window is needed."""

from __future__ import annotations

from typing import Any, Mapping, Sequence, Tuple

import numpy as np
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgba
from matplotlib.image import imread

from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.evaluation import SetEvaluation
from cryosegment.viewers.windows import read_image

SHOWN_SIDE = 1024  # px of the longer side: more is not seen on a screen
SHOWN_RANGE = 3.0  # standard deviations on either side of the mean, black to white
SCORE_COLORS = "RdYlGn"  # red is low
LABEL_COLOR, GAINED_COLOR, LOST_COLOR = "yellow", "lime", "red"


def read_shrunk(path: str) -> Tuple[np.ndarray, int]:
    """Image made small by averaging blocks, (h, w), and the side of a block in px."""
    image = read_image(path)
    block = max(1, int(np.ceil(max(image.shape) / SHOWN_SIDE)))
    height, width = (size // block * block for size in image.shape)
    blocks = image[:height, :width].astype(np.float32)
    return blocks.reshape(height // block, block, width // block, block).mean((1, 3)), block


def draw_micrograph(axes: Any, path: str) -> None:
    """Micrograph in grey, its axes in px of the file, y downwards as Scipion counts it."""
    draw_shrunk(axes, *read_shrunk(path))


def draw_shrunk(axes: Any, image: np.ndarray, block: int) -> None:
    """What `read_shrunk` gives, as `draw_micrograph` draws it."""
    middle, spread = float(image.mean()), float(image.std()) or 1.0
    height, width = image.shape
    axes.imshow(
        image,
        cmap="gray",
        vmin=middle - SHOWN_RANGE * spread,
        vmax=middle + SHOWN_RANGE * spread,
        extent=(-0.5, width * block - 0.5, height * block - 0.5, -0.5),
    )
    axes.set_xlabel("x (px)")
    axes.set_ylabel("y (px)")


def draw_picks(axes: Any, coordinates: Coordinates, diameter_px: float) -> Any:
    """Circles round the picks, coloured by score; returned for a colour bar."""
    circles = EllipseCollection(
        diameter_px,
        diameter_px,
        0,
        units="xy",
        offsets=coordinates.centers_yx[:, ::-1],
        transOffset=axes.transData,
        facecolors="none",
        linewidths=1.1,
        cmap=SCORE_COLORS,
    )
    circles.set_array(coordinates.ranking)
    circles.set_clim(0, 1)
    axes.add_collection(circles)
    return circles


def draw_mask(axes: Any, path: str, shape: Sequence[int]) -> None:
    """Particles of an instance mask, tinted, over what is drawn already.

    The mask may have any scale; `shape` is that of the micrograph, (rows, columns).
    """
    labels = read_image(path)
    step = max(1, int(np.ceil(max(labels.shape) / SHOWN_SIDE)))
    small = labels[::step, ::step]
    (height, width), (y, x) = labels.shape, np.divide(shape, labels.shape)
    axes.imshow(
        np.ma.masked_where(small == 0, small % 8),
        cmap="Set1",
        vmin=0,
        vmax=8,  # the ninth colour is grey
        alpha=0.4,
        interpolation="nearest",
        extent=(-0.5 * x, (width - 0.5) * x, (height - 0.5) * y, -0.5 * y),
    )


def draw_circles(axes: Any, centers_yx: np.ndarray, diameter_px: float) -> Any:
    """Circles of one size; returned so that they can be removed."""
    circles = EllipseCollection(
        diameter_px,
        diameter_px,
        0,
        units="xy",
        offsets=centers_yx[:, ::-1],
        transOffset=axes.transData,
        facecolors="none",
        edgecolors=LABEL_COLOR,
        linewidths=1.3,
    )
    axes.add_collection(circles)
    return circles


def draw_outline(axes: Any, probability: np.ndarray, shape: Tuple[int, int]) -> None:
    """Outline of what is particle in a map of a micrograph of `shape` (rows, columns) px."""
    if not probability.min() < 0.5 < probability.max():
        return
    rows, columns = (
        np.arange(small) * (large / small) for small, large in zip(probability.shape, shape)
    )
    axes.contour(columns, rows, probability, levels=[0.5], colors=LABEL_COLOR, linewidths=0.8)


def draw_changes(axes: Any, before: np.ndarray, after: np.ndarray, shape: Tuple[int, int]) -> float:
    """Tint the pixels that turn to particle or to background; their part of the area."""
    gained, lost = (after >= 0.5) & (before < 0.5), (after < 0.5) & (before >= 0.5)
    tint = np.zeros((*before.shape, 4), np.float32)
    tint[gained], tint[lost] = to_rgba(GAINED_COLOR, 0.6), to_rgba(LOST_COLOR, 0.6)
    (height, width), (y, x) = before.shape, np.divide(shape, before.shape)
    extent = (-0.5 * x, (width - 0.5) * x, (height - 0.5) * y, -0.5 * y)
    axes.imshow(tint, interpolation="nearest", extent=extent)
    return float((gained | lost).mean())


def draw_precision_recall(axes: Any, sets: Sequence[SetEvaluation]) -> None:
    """Precision over recall of sets of picks, with a dot at the threshold with the highest F1."""
    for own in sets:
        curve = own.curve
        (line,) = axes.plot(curve.recall, curve.precision, label=own.name)
        if own.best_point is not None:
            axes.plot(*own.best_point, "o", color=line.get_color())
    axes.set(xlim=(0, 1.01), ylim=(0, 1.01))
    axes.legend(loc="lower left")


def draw_history(
    loss_axes: Any,
    score_axes: Any,
    history: Sequence[Mapping[str, float]],
    terms: Sequence[str],
    others: Mapping[str, Sequence[Mapping[str, float]]],
) -> None:
    """Loss and its terms, and F1 of the validation micrographs, over the steps.

    The F1 of other trainings, by their names, is drawn thinner beside it.
    """
    lines = [("loss", [sum(row[term] for term in terms if term in row) for row in history])]
    lines += [(term, [row.get(term, float("nan")) for row in history]) for term in terms]
    steps = [row["step"] for row in history]
    first = next((i for i, row in enumerate(history) if any(t in row for t in terms)), len(steps))
    for name, values in lines:
        loss_axes.plot(steps[first:], values[first:], label=name, lw=2 if name == "loss" else 1)
    if terms:
        loss_axes.legend()
    scores = [row["score"] for row in history]
    score_axes.plot(steps, scores, color="seagreen", lw=2)
    for name, rows in others.items():
        values = [row["score"] for row in rows]
        score_axes.plot([row["step"] for row in rows], values, lw=1, label=name)
    if others:
        score_axes.legend(fontsize="small")
    if scores:
        score_axes.set_title(f"best F1 {max(scores):.3f}, last {scores[-1]:.3f}")
    score_axes.set_ylim(0, 1.03)  # so that the line at 1 is seen
    for axes, label in ((loss_axes, "loss"), (score_axes, "F1")):
        axes.set_xlabel("step")
        axes.set_ylabel(label)


def draw_picture(axes: Any, path: str, title: str = "") -> None:
    """A PNG that the core has written."""
    axes.imshow(imread(path), interpolation="antialiased")
    axes.set_axis_off()
    axes.set_title(title)
