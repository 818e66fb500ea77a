# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of `cryosegment labels`: what holds for all micrographs, and each one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int

from cryosegment.core.images.contamination_maps import ContaminationMaps
from cryosegment.core.images.micrograph import Micrograph, read_image, read_micrograph
from cryosegment.core.labels.canvas import Canvas, ClassRules
from cryosegment.core.labels.contrast import micrograph_contrast
from cryosegment.core.labels.files import write_labels
from cryosegment.core.labels.report import Report
from cryosegment.core.labels.screening import ASKED_FOR, POOR, Rejection, Screening
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.finished import Finished
from cryosegment.exchange.labels import (
    REJECTED_NAME,
    UNKNOWN,
    LabelEntry,
    is_particle,
    label_entry,
)
from cryosegment.exchange.params import LabelsParams

Maps = tuple[Int[np.ndarray, "h w"], Int[np.ndarray, "h w"]]


@runtime_checkable  # as the tests check the types of arguments
class Source(Protocol):
    """Particles of many micrographs that can be drawn.

    Attributes
    ----------
    name
        What `labels.json` calls it.
    path
        File or folder of the particles.
    micrographs
        File of each micrograph, by name.
    diameter
        Nominal, Å.
    elsewhere
        Particles on other micrographs than those given.
    """

    name: str
    path: str
    micrographs: Mapping[str, Path]
    diameter: float
    elsewhere: list[Rejection]

    @property
    def notes(self) -> list[str]:
        """Choices that were made and what is odd about the input so far, a sentence each."""

    def __contains__(self, name: str) -> bool:
        """Whether there are particles of a micrograph."""

    def screen(
        self, entry: LabelEntry, contaminated: Bool[np.ndarray, "h w"] | None
    ) -> Screening[Any]:
        """The particles of a micrograph, sorted by what can be done with them."""

    def paint(self, entry: LabelEntry, found: Screening[Any]) -> Canvas:
        """The particles on the label maps of a micrograph."""

    def coordinates(self, entry: LabelEntry, found: Screening[Any]) -> Coordinates:
        """Centres of the particles that are labelled."""


class LabelsRun:
    """Labels of many micrographs, one call each.

    Parameters
    ----------
    source
        Where the particles come from.
    params
        How to label.
    folder
        The labels folder.

    Attributes
    ----------
    source
        As given.
    report
        What became of the particles.

    Raises
    ------
    InputError
        If contamination maps are asked for and not found.
    """

    def __init__(self, source: Source, params: LabelsParams, folder: Path) -> None:
        self.source, self._params, self._folder = source, params, folder
        self._finished = Finished(folder, params, params.resume)
        self._contamination = None
        self._notes: list[str] = []
        self._told: dict[str, str] = {}
        if params.contamination:
            self._contamination = ContaminationMaps(
                Path(params.contamination), list(source.micrographs)
            )
            self._contamination.check()
            self._notes += [self._contamination.note] if self._contamination.note else []
        notes = [*source.notes, *self._notes]
        self.report = Report(self.source.diameter, notes, self.source.elsewhere)

    def label(self, name: str) -> LabelEntry:
        """Label one micrograph and write its files; with `resume`, finished ones are kept.

        Raises
        ------
        InputError
            If it cannot be read or is smaller than a particle, no particle is said to be on it,
            or none of those on it can be labelled although some should.
        """
        micrograph = self._read(name)
        self._check_named(name)
        entry = self._entry(micrograph)
        contaminated = (
            self._contamination.area(entry.name, entry.shape) if self._contamination else None
        )
        found = self.source.screen(entry, contaminated)
        self._tell(micrograph)
        self._check_labelled(name, found)
        coordinates = self.source.coordinates(entry, found)
        path = self.source.micrographs[name]
        is_kept = self._finished.has(name, path) and entry.coordinates.exists()
        instances, classes = (
            _read_maps(entry) if is_kept else self._paint(entry, found, contaminated)
        )
        contrast = None
        if len(coordinates):
            centers_yx = coordinates.centers_yx
            contrast = micrograph_contrast(
                micrograph, entry.diameter, instances, classes, centers_yx
            )
        if not is_kept:
            with self._finished.making(name, path):
                write_labels(entry, instances, classes, coordinates)
        coverage, unknown = is_particle(classes).mean(), (classes == UNKNOWN).mean()
        self.report.add(name, found, float(coverage), float(unknown), contrast)
        return entry

    def _read(self, name: str) -> Micrograph:
        return read_micrograph(self.source.micrographs[name], self._params.pixel_size, name)

    def _check_named(self, name: str) -> None:
        if name not in self.source:
            others = [rejection.micrograph for rejection in self.source.elsewhere[:1]]
            named = f", which names {others[0]!r}" if others else ""
            raise InputError(
                f"no particles of micrograph {name} in {self.source.path}{named}: leave it out or "
                "correct the names"
            )

    def _tell(self, micrograph: Micrograph) -> None:
        """Report what is odd about the input so far; of a micrograph, the first of each kind."""
        for note in micrograph.notes:
            self._told.setdefault(note, f"{micrograph.name}: {note}")
        self.report.notes = [*self.source.notes, *self._notes, *self._told.values()]

    def _check_labelled(self, name: str, found: Screening[Any]) -> None:
        """Check that particles are left, where any should; they are reported in any case."""
        if not len(found.labelled) and any(r.reason not in ASKED_FOR for r in found.rejections):
            self.report.add(name, found, 0.0, 0.0, None)
            raise InputError(
                f"none of {len(found.rejections)} particles of {_why_none(found, name)}"
            )

    def _paint(
        self,
        entry: LabelEntry,
        found: Screening[Any],
        contaminated: Bool[np.ndarray, "h w"] | None,
    ) -> Maps:
        """Instances and classes of a micrograph."""
        canvas = self.source.paint(entry, found)
        classes = canvas.classes(self._rules(entry), contaminated)
        return np.where(is_particle(classes), canvas.instances, np.int16(0)), classes

    def _entry(self, micrograph: Micrograph) -> LabelEntry:
        name, diameter = micrograph.name, self.source.diameter
        height, width = micrograph.image.shape
        path, size = self.source.micrographs[name], micrograph.pixel_size
        entry = label_entry(self._folder, name, path, size, (height, width), diameter)
        if diameter / entry.pixel_size > min(entry.shape):
            raise InputError(
                f"the particle is {diameter / entry.pixel_size:.0f} px long, but micrograph {name} "
                f"has {entry.shape[0]} x {entry.shape[1]}: check the pixel sizes, and the diameter "
                "or map"
            )
        return entry

    def _rules(self, entry: LabelEntry) -> ClassRules:
        diameter_px = self.source.diameter / entry.pixel_size
        return ClassRules(
            self._params.edge_width / entry.pixel_size,
            self._params.unknown_ring * diameter_px,
            diameter_px if self._params.unknown_outside else None,
        )


def _read_maps(entry: LabelEntry) -> Maps:
    """Instances and classes of a micrograph that an earlier run has labelled."""
    return (
        read_image(entry.instances)[0].astype(np.int16),
        read_image(entry.classes)[0].astype(np.int8),
    )


def _why_none(found: Screening[Any], name: str) -> str:
    """Why no particle of a micrograph can be labelled, and what to do."""
    reasons = Counter(rejection.reason for rejection in found.rejections)
    poor = [rejection.row for rejection in found.rejections if rejection.reason == POOR]
    scores = found.doubtful.scores[np.isin(found.doubtful.rows, poor)]
    highest = np.fmax.reduce(scores, initial=-np.inf)
    if reasons.most_common(1)[0][0] == POOR and np.isfinite(highest):
        text = f"the highest score is {highest:.3g}: lower --min-score"
        return f"micrograph {name} scores enough, {text}"
    return (
        f"micrograph {name} can be labelled (the first: {found.rejections[0].reason}): see "
        f"{REJECTED_NAME}, check the pixel sizes"
    )
