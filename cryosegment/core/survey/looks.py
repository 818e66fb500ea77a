# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of a survey's picks on some of the micrographs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cryosegment.core.images.working import WorkingImage
from cryosegment.core.report import Marks, MarkStyle, Overlay, photograph
from cryosegment.core.report.choice import evenly
from cryosegment.core.report.overlays import Shape
from cryosegment.core.report.pictures import in_grey
from cryosegment.core.survey.appearance import PIXELS, Appearance, Appearances, read_shown
from cryosegment.core.survey.figures import color
from cryosegment.core.survey.survey import Survey
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import CryoSegmentError, in_one_line
from cryosegment.exchange.progress import Progress

AVERAGED, SHOWN = 12, 4
"""Micrographs of which images are averaged, and of these, those that are shown; evenly from all."""
SHAPES: tuple[Shape, ...] = ("circle", "diamond", "square")


@dataclass(frozen=True)
class Looks:
    """What is seen of picks.

    Parameters
    ----------
    means
        Mean images of each set, by label, those of the lowest scores first.
    overlays
        Some micrographs with the picks of all sets.
    failures
        Why micrographs are not in it, by name.
    """

    means: Mapping[str, list[Appearance]] = field(default_factory=dict)
    overlays: list[Overlay] = field(default_factory=list)
    failures: Mapping[str, str] = field(default_factory=dict)


def look(survey: Survey, files: Mapping[str, Path], progress: Progress) -> Looks:
    """Look at the picks on some of the micrographs; one at a time is in memory.

    Parameters
    ----------
    survey
        The picks.
    files
        Of micrographs, by the names that the survey has.
    progress
        Told after each.
    """
    with_files = [name for name in survey.names if name in files]
    names = evenly(with_files, AVERAGED)
    shown = set(evenly(names, SHOWN))
    sums = {own.label: Appearances(_scores(own.coordinates)) for own in survey.sets}
    overlays, failures = [], {}
    for done, name in enumerate(names, start=1):
        sizes = [own.coordinates[name].pixel_size for own in survey.sets if name in own.coordinates]
        try:
            with in_one_line(f"micrograph {name}"):
                working = read_shown(files[name], name, sizes[0], survey.diameter)
        except CryoSegmentError as error:
            failures[name] = str(error)
            continue
        for own in survey.sets:
            if name in own.coordinates:
                sums[own.label].add(working, own.coordinates[name].at_pixel_size(sizes[0]))
        if name in shown:
            overlays.append(_overlay(survey, name, working, sizes[0]))
        progress(done, len(names), name)
    means = {label: each.means() for label, each in sums.items()}
    return Looks(means, overlays, failures)


def _scores(coordinates: Mapping[str, Coordinates]) -> np.ndarray:
    return np.concatenate([np.empty(0), *(each.scores for each in coordinates.values())])


def _overlay(survey: Survey, name: str, working: WorkingImage, pixel_size: float) -> Overlay:
    """A micrograph with the picks of all sets."""
    picture = photograph(in_grey(working.image.numpy()), f"micrograph {name}")
    marks = []
    for number, own in enumerate(survey.sets):
        if name in own.coordinates:
            picks = own.coordinates[name].at_pixel_size(pixel_size)
            style = MarkStyle(own.label, color(number), SHAPES[number % len(SHAPES)])
            marks.append(Marks(style, working.from_micrograph(picks.centers_yx), PIXELS / 2))
    return Overlay(name, picture, marks)
