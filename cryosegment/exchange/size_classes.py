# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of picks by the sizes of their masks: species of different sizes, each for itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple

import numpy as np

from cryosegment.exchange.coordinates import Coordinates, write_coordinates_star
from cryosegment.exchange.files import remove_file
from cryosegment.exchange.params import AUTO, NO_CLASSES
from cryosegment.exchange.pick_folder import PickFolder
from cryosegment.exchange.wording import counted

STEP = 0.01
"""Of the histogram of sizes, in the logarithm."""
SMOOTH = 0.05
"""Standard deviation of the Gaussian that smooths it, in the logarithm."""
DEPTH = 0.7
"""A gap has at most this share of the lower peak beside it. It and the others were chosen on
simulated micrographs of one species and of two (see docs/benchmarks/picking.md)."""
LEAST = 0.1
"""Smallest share of the picks in a class."""


@dataclass(frozen=True)
class SizeClass:
    """Picks of one class.

    Parameters
    ----------
    number
        From 1, the smallest.
    low, high
        Its diameters, Å; 0 and infinite where nothing bounds them.
    picks
        How many on all micrographs.
    """

    number: int
    low: float
    high: float
    picks: int

    def __str__(self) -> str:
        bounds = [f"from {self.low:.0f} Å"] if self.low else []
        bounds += [f"below {self.high:.0f} Å"] if np.isfinite(self.high) else []
        text = " ".join([f"size class {self.number}", *bounds])
        return f"{text}: {counted(self.picks, 'pick')}"


def write_size_classes(
    folder: PickFolder, size_classes: str, pairs: Sequence[Tuple[Path, Coordinates]]
) -> List[SizeClass]:
    """Write the picks of each class; the files of other classes go.

    Parameters
    ----------
    folder
        Output folder of `pick`.
    size_classes
        As in `PickParams`.
    pairs
        File and picks of each micrograph.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    for path in folder.class_files():
        remove_file(path)
    if size_classes == NO_CLASSES:
        return []
    boundaries = class_boundaries(size_classes, [picks for _, picks in pairs])
    classes = []
    parted = [(path, by_size(picks, boundaries)) for path, picks in pairs]
    for i, (low, high) in enumerate(zip((0.0, *boundaries), (*boundaries, np.inf))):
        own = [(path, each[i]) for path, each in parted]
        write_coordinates_star(folder.of_class(i + 1), own)
        classes.append(SizeClass(i + 1, low, high, sum(len(picks) for _, picks in own)))
    return classes


def class_boundaries(size_classes: str, picks: Sequence[Coordinates]) -> Tuple[float, ...]:
    """Diameters that part the classes, Å, ascending; none where there is one class.

    Parameters
    ----------
    size_classes
        As in `PickParams`: diameters, or auto for the gaps in the sizes.
    picks
        Of all micrographs.
    """
    if size_classes == NO_CLASSES:
        return ()
    if size_classes == AUTO:
        return size_gaps(np.concatenate([np.empty(0), *(each.diameters for each in picks)]))
    return tuple(float(text) for text in size_classes.split(","))


def by_size(picks: Coordinates, boundaries: Sequence[float]) -> List[Coordinates]:
    """The picks of each class, from small to large; those without a mask are in none."""
    number = np.digitize(picks.diameters, boundaries)
    has_mask = np.isfinite(picks.diameters)
    return [picks.select((number == i) & has_mask) for i in range(len(boundaries) + 1)]


def size_gaps(diameters: np.ndarray) -> Tuple[float, ...]:
    """Diameters at the gaps between the commonest ones, ascending, in the unit of `diameters`.

    Gaps are minima of the smoothed histogram of the logarithms.

    Parameters
    ----------
    diameters
        Of masks, (n,); NaN for none.
    """
    logs = np.log(diameters[np.isfinite(diameters) & (diameters > 0)])
    if not len(logs):
        return ()
    room = 4 * SMOOTH
    edges = np.arange(logs.min() - room, logs.max() + room + STEP, STEP)
    offsets = np.arange(-room, room + STEP, STEP)
    counts = np.histogram(logs, edges)[0]
    density = np.convolve(counts, np.exp(-0.5 * (offsets / SMOOTH) ** 2), "same")
    rises = np.diff(density, prepend=0, append=0)
    peaks = list(np.flatnonzero((rises[:-1] > 0) & (rises[1:] <= 0)))
    while len(peaks) > 1:
        valleys = [a + int(density[a:b].argmin()) for a, b in zip(peaks[:-1], peaks[1:])]
        ends = [0, *valleys, len(counts)]
        shares = [counts[a:b].sum() / len(logs) for a, b in zip(ends[:-1], ends[1:])]
        lower = np.minimum(density[peaks[:-1]], density[peaks[1:]])
        depths = density[valleys] / lower
        if min(shares) < LEAST:
            peaks.pop(int(np.argmin(shares)))
        elif depths.max() > DEPTH:
            at = int(depths.argmax())
            peaks.pop(at if density[peaks[at]] < density[peaks[at + 1]] else at + 1)
        else:
            return tuple(float(np.exp(edges[valley] + STEP / 2)) for valley in valleys)
    return ()
