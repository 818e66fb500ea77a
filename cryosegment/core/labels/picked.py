# SPDX-License-Identifier: GPL-3.0-or-later
"""Picked particles of many micrographs as the source of labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from cryosegment.core.labels.canvas import Canvas
from cryosegment.core.labels.screening import Screening, area_flaws, not_given, screen
from cryosegment.core.labels.shapes import ellipse
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.labels import LabelEntry
from cryosegment.exchange.params import LabelsCoordinatesParams
from cryosegment.exchange.particles import match_names


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
        If the coordinates cannot be read, or name a micrograph in two ways.
    """

    name = "coordinates"

    def __init__(self, params: LabelsCoordinatesParams, micrographs: Mapping[str, Path]) -> None:
        self._params = params
        self.path, self.diameter = params.coordinates, params.diameter
        self._read: dict[float, dict[str, Coordinates]] = {}
        # the unit is px until the micrographs, whose headers may say the pixel size, are read
        given = self._at_pixel_size(params.pixel_size or 1.0)
        stems = [micrograph_name(path) for path in micrographs.values()]
        self._names = _names_in_file(given, list(micrographs), stems)
        strangers = [own for key, own in given.items() if key not in self._names.values()]
        self.strangers = [
            rejection
            for own in strangers
            for rejection in not_given(own.rows.tolist(), [own.name] * len(own), own.centers_yx)
        ]
        self.notes = _notes([given[key] for key in self._names.values()])

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
        own = self._sized(own.renamed(entry.name))
        largest = own.diameters.max(initial=0.0) / entry.pixel_size
        if largest > min(entry.shape):
            raise InputError(
                f"a particle of micrograph {entry.name} is {largest:.0f} px long in {self.path}, "
                f"more than its {entry.shape[0]} x {entry.shape[1]}: check the file's diameters"
            )
        distance = self._params.min_distance * self.diameter / entry.pixel_size
        names = [entry.name] * len(own)
        flaws = area_flaws(contaminated, own.centers_yx)
        return screen(own, names, own.centers_yx, entry.shape, distance, flaws)

    def paint(self, entry: LabelEntry, found: Screening[Coordinates]) -> Canvas:
        """The particles on the label maps of a micrograph."""
        canvas = Canvas(entry.shape, found.labelled.centers_yx)
        for number, (center, mask) in enumerate(_draw(found.labelled), start=1):
            canvas.paint(number, center, mask)
        for center, mask in _draw(found.doubtful):
            canvas.blot(center, mask)
        return canvas

    def coordinates(self, entry: LabelEntry, found: Screening[Coordinates]) -> Coordinates:
        """Centres of the particles that are labelled."""
        return found.labelled

    def _at_pixel_size(self, pixel_size: float) -> dict[str, Coordinates]:
        """All coordinates, their diameters in Å: some files have them in px."""
        key = round(pixel_size, 4)
        if key not in self._read:
            self._read[key] = read_coordinates(self._params.coordinates, pixel_size)
        return self._read[key]

    def _sized(self, own: Coordinates) -> Coordinates:
        """The same particles, each with a diameter."""
        is_sized = own.diameters > 0
        diameters = np.where(is_sized, own.diameters, self.diameter)
        return replace(own, diameters=diameters, short_diameters=diameters)


def _draw(
    particles: Coordinates,
) -> Iterator[tuple[Float[np.ndarray, " 2"], Bool[np.ndarray, "s s"]]]:
    """Where each footprint goes, and the footprint."""
    sizes = particles.diameters / particles.pixel_size
    for center, size in zip(particles.centers_yx, sizes, strict=True):
        yield center, ellipse(size, size, 0.0, center % 1)


def _names_in_file(
    given: Mapping[str, Coordinates], names: list[str], stems: list[str]
) -> dict[str, str]:
    """What the coordinates call each micrograph that they name."""
    found: dict[str, str] = {}
    for text, name in match_names(given, names, stems).items():
        if name in found:
            raise InputError(
                f"the coordinates of micrograph {name} are given twice, as those of "
                f"{found[name]} and of {text}: keep one"
            )
        found[name] = text
    return found


def _notes(given: list[Coordinates]) -> list[str]:
    """What there is to say about sizes."""
    sized = sum(int((own.diameters > 0).sum()) for own in given)
    count = sum(map(len, given))
    return [f"{sized} of {count} particles have the file's own diameter"] if sized else []
