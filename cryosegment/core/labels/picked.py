# SPDX-License-Identifier: GPL-3.0-or-later
"""Picked particles of many micrographs as the source of labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from cryosegment.core.labels.canvas import Canvas
from cryosegment.core.labels.screening import (
    POOR,
    Screening,
    area_flaws,
    check_scored,
    not_given,
    screen,
)
from cryosegment.core.labels.shapes import Template, ellipse, read_silhouette
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.labels import PICKED, PICKS, LabelEntry
from cryosegment.exchange.names import names_in_file
from cryosegment.exchange.params import LabelsCoordinatesParams

FAR = 3.0
"""Diameters of the file are believed up to this many times the nominal one, or its part."""


class PickedParticles:
    """A `Source` of particles of which only the centres are known, and perhaps sizes.

    Parameters
    ----------
    params
        What to label, and how.
    micrographs
        File of each micrograph, by name.

    Raises
    ------
    InputError
        If the coordinates cannot be read, name a micrograph in two ways, or have no scores where
        a smallest one is asked for.
    """

    def __init__(self, params: LabelsCoordinatesParams, micrographs: Mapping[str, Path]) -> None:
        self.micrographs, self._params = micrographs, params
        self.path, self.diameter = params.coordinates, params.diameter
        self._read: dict[float, dict[str, Coordinates]] = {}
        # the unit is px until the micrographs, whose headers may say the pixel size, are read
        given = self._at_pixel_size(params.pixel_size or 1.0)
        stems = [micrograph_name(path) for path in micrographs.values()]
        self._names = names_in_file(given, list(micrographs), stems)
        for key in self._names.values():
            of = f"micrograph {key} in {self.path}"
            check_scored(given[key].scores, params.min_score, of)
        is_scored = any(np.isfinite(given[key].scores).any() for key in self._names.values())
        self.name = PICKED if is_scored else "coordinates"
        if params.min_score is not None:
            self.name = PICKS
        elsewhere = [own for key, own in given.items() if key not in self._names.values()]
        self.elsewhere = [
            rejection
            for own in elsewhere
            for rejection in not_given(own.rows.tolist(), [own.name] * len(own), own.centers_yx)
        ]
        self._template: Template | None = None
        if params.template:
            self._template = Template(read_silhouette(Path(params.template)))
        is_round = params.ellipse is None and self._template is None
        self._notes = _notes([given[key] for key in self._names.values()], is_round)
        self._far = 0

    @property
    def notes(self) -> list[str]:
        """Choices that were made and what is odd about the input so far, a sentence each."""
        if not self._far:
            return self._notes
        return [
            *self._notes,
            f"{self._far} particles have diameters in the file that are less than a third of "
            f"{self.diameter:g} Å or more than three times that: they are drawn with "
            f"{self.diameter:g} Å",
        ]

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def screen(
        self, entry: LabelEntry, contaminated: Bool[np.ndarray, "h w"] | None
    ) -> Screening[Coordinates]:
        """The particles of a micrograph, sorted by what can be done with them.

        Raises
        ------
        InputError
            If a particle has a diameter of its own that is larger than the micrograph.
        """
        given = self._at_pixel_size(entry.pixel_size)[self._names[entry.name]]
        own = given.flipped(entry.shape[0]) if self._params.y_up else given
        is_far = self._is_far(own.diameters)
        self._far += int(is_far.sum())
        own = self._shaped(own.renamed(entry.name), is_far)
        largest = own.diameters.max(initial=0.0) / entry.pixel_size
        if largest > min(entry.shape):
            raise InputError(
                f"a particle of micrograph {entry.name} is {largest:.0f} px long in {self.path}, "
                f"more than its {entry.shape[0]} x {entry.shape[1]}: check the file's diameters"
            )
        distance = self._params.min_distance * self.diameter / entry.pixel_size
        names = [entry.name] * len(own)
        flaws = area_flaws(contaminated, own.centers_yx)
        if self._params.min_score is not None:
            flaws[POOR] = ~(own.scores >= self._params.min_score)
        return screen(own, names, own.centers_yx, entry.shape, distance, flaws)

    def paint(self, entry: LabelEntry, found: Screening[Coordinates]) -> Canvas:
        """The particles on the label maps of a micrograph."""
        canvas = Canvas(entry.shape, found.labelled.centers_yx)
        for number, (center, mask) in enumerate(self._draw(found.labelled), start=1):
            canvas.paint(number, center, mask)
        for center, mask in self._draw(found.doubtful):
            canvas.blot(center, mask)
        return canvas

    def coordinates(self, entry: LabelEntry, found: Screening[Coordinates]) -> Coordinates:
        """Centres of the particles that are labelled, with the sizes that were drawn."""
        own = found.labelled
        is_long = own.short_diameters < own.diameters
        return replace(own, short_diameters=np.where(is_long, own.short_diameters, np.nan))

    def _at_pixel_size(self, pixel_size: float) -> dict[str, Coordinates]:
        """All coordinates, their diameters in Å: some files have them in px."""
        key = round(pixel_size, 4)
        if key not in self._read:
            self._read[key] = read_coordinates(self._params.coordinates, pixel_size)
        return self._read[key]

    def _is_far(self, diameters: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        """Which diameters (Å) of the file cannot be those of the particles."""
        ratios = diameters / self.diameter
        return np.asarray((diameters > 0) & ((ratios < 1 / FAR) | (ratios > FAR)))

    def _shaped(self, own: Coordinates, is_far: Bool[np.ndarray, " n"]) -> Coordinates:
        """The same particles, each with diameters and an angle; the file's where not far off."""
        long = np.where((own.diameters > 0) & ~is_far, own.diameters, self.diameter)
        short = long if self._params.ellipse is None else np.full(len(own), self._params.ellipse)
        short = np.where((own.short_diameters > 0) & ~is_far, own.short_diameters, short)
        angles = np.nan_to_num(own.angles)
        return replace(own, diameters=long, short_diameters=short, angles=angles)

    def _draw(
        self, particles: Coordinates
    ) -> Iterator[tuple[Float[np.ndarray, " 2"], Bool[np.ndarray, "s s"]]]:
        """Where each footprint goes, and the footprint."""
        sizes = np.stack((particles.diameters, particles.short_diameters), axis=1)
        for center, (long_px, short_px), angle in zip(
            particles.centers_yx, sizes / particles.pixel_size, particles.angles, strict=True
        ):
            if self._template is None:
                yield center, ellipse(long_px, short_px, angle, center % 1)
            else:
                yield center, self._template.draw(long_px, angle, center % 1)


def _notes(given: list[Coordinates], is_round: bool) -> list[str]:
    """What there is to say about sizes and angles; `is_round` where the file alone has ellipses."""
    count = sum(map(len, given))
    sized = sum(int((own.diameters > 0).sum()) for own in given)
    flat = sum(int((own.short_diameters > 0).sum()) for own in given)
    angles = np.concatenate([own.angles for own in given] or [np.empty(0)])
    known = angles[np.isfinite(angles)]
    notes = []
    if sized:
        notes.append(f"{sized} of {count} particles have the file's own diameter")
    if flat:
        notes.append(f"{flat} of {count} particles have the file's own short diameter")
    if is_round and not flat:
        return notes
    if len(known) < count:
        unknown = count - len(known)
        notes.append(f"{unknown} of {count} particles have no angle: they lie along the rows")
    if len(known) > 1 and np.ptp(known) == 0:
        notes.append(f"all particles have the same angle, {known[0]:g} degrees")
    return notes
