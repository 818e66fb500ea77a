# SPDX-License-Identifier: GPL-3.0-or-later
"""Refined particles of many micrographs as a source of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.images.volume import read_volume
from cryosegment.core.labels.body import Body, body_from_map, body_from_mask
from cryosegment.core.labels.canvas import Canvas
from cryosegment.core.labels.reconstruction import Labeller, LabelRules
from cryosegment.core.labels.scale import CONTRADICTS, SAME, Scale, find_scale, on_micrograph
from cryosegment.core.labels.screening import Screening, check_scored, not_given
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import CryoSegmentError, InputError, ParameterError
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.labels import LabelEntry
from cryosegment.exchange.params import BodyParams, LabelsReconstructionParams
from cryosegment.exchange.particles import (
    UNCLASSIFIED,
    Particles,
    read_particles,
    split_by_micrograph,
)

PROBES = 3
"""Number of micrographs, those with the most particles, that decide the scale of coordinates."""
OFF_CENTER = 0.05
"""Distance of the body from the centre of its map above which it is reported, in diameters."""


class RefinedParticles:
    """A `Source` of particles with orientations, and their body.

    Parameters
    ----------
    params
        What to label, and how.
    micrographs
        File of each micrograph, by name.
    device
        Name of the torch device that draws.

    Raises
    ------
    ParameterError, InputError
        If the particles or the map cannot be read, or there is no density above the threshold.
    """

    name = "reconstruction"

    def __init__(
        self,
        params: LabelsReconstructionParams,
        micrographs: Mapping[str, Path],
        device: str = "cpu",
    ) -> None:
        particles = read_particles(
            params.particles, params.passthrough, params.score, params.particle_pixel_size
        )
        check_classes(particles, params)
        check_scored(particles.scores, params.min_score, params.particles)
        body = read_body(params)
        self.micrographs, self._params = micrographs, params
        self._labeller = Labeller(body, _rules(params), device)
        self.path, self.diameter = params.particles, self._labeller.diameter
        stems = [micrograph_name(path) for path in micrographs.values()]
        self._particles, elsewhere = split_by_micrograph(particles, list(micrographs), stems)
        self._scale, pixel_size = self._find_scale()
        source = "their headers say" if params.pixel_size is None else "--pixel-size says"
        self.notes = [*body.notes, self._scale.note, *_notes(particles, body, pixel_size)]
        self.notes += _contradiction(particles, pixel_size, source)
        self.elsewhere = not_given(
            elsewhere.rows.tolist(), elsewhere.micrographs, elsewhere.centers_yx
        )

    def __contains__(self, name: str) -> bool:
        return name in self._particles

    def screen(
        self, entry: LabelEntry, contaminated: Bool[np.ndarray, "h w"] | None
    ) -> Screening[Particles]:
        """The particles of a micrograph: those to label, and the others with the reasons."""
        given, shape, pixel_size = self._particles[entry.name], entry.shape, entry.pixel_size
        own = on_micrograph(given, self._scale, shape, pixel_size, self._params.y_up)
        return self._labeller.screen(shape, pixel_size, own, contaminated)

    def paint(self, entry: LabelEntry, found: Screening[Particles]) -> Canvas:
        """The label maps of a micrograph."""
        return self._labeller.paint(entry.shape, entry.pixel_size, found)

    def coordinates(self, entry: LabelEntry, found: Screening[Particles]) -> Coordinates:
        """Centres of the particles that are labelled."""
        return self._labeller.coordinates(entry.name, entry.pixel_size, found.labelled)

    def _find_scale(self) -> tuple[Scale, float | None]:
        """Scale of the coordinates, and the pixel size of a micrograph that can be read."""
        shapes, sizes, known = [], [], []
        for name in sorted(self._particles, key=lambda name: -len(self._particles[name]))[:PROBES]:
            try:
                micrograph = read_micrograph(self.micrographs[name], self._params.pixel_size, name)
            except CryoSegmentError:
                continue  # reported when its turn comes
            shapes.append((micrograph.image.shape[0], micrograph.image.shape[1]))
            sizes.append(micrograph.pixel_size)
            known.append(self._particles[name])
        scale = find_scale(self._params.coordinate_scale, known, shapes, sizes)
        return scale, sizes[0] if sizes else None


def check_classes(particles: Particles, params: BodyParams) -> None:
    """Check that there are particles of every class that was chosen.

    Raises
    ------
    InputError
        If a class has none.
    """
    numbers, counts = np.unique(particles.classes, return_counts=True)
    for chosen in params.classes:
        if chosen in numbers:
            continue
        every = ", ".join(f"{number} ({count})" for number, count in zip(numbers, counts))
        raise InputError(
            f"no particle of {params.particles} is of class {chosen}: "
            + ("it names no classes" if (numbers == UNCLASSIFIED).all() else f"it has {every}")
        )


def read_body(params: BodyParams) -> Body:
    """The body of refined particles, from their map or mask.

    Raises
    ------
    ParameterError, InputError
        If neither map nor mask is given, it cannot be read, or has no density above the threshold.
    """
    if not params.map and not params.mask:
        raise ParameterError("expected a map or a mask, got none: give --map or --mask")
    volume, said = read_volume(Path(params.mask or params.map))
    size, widened = params.map_pixel_size or said, params.dilation
    if params.mask:
        body = body_from_mask(volume, size, widened)
    else:
        body = body_from_map(volume, size, params.map_threshold, params.low_pass, widened)
    if abs(said / size - 1) < CONTRADICTS:
        return body
    note = f"the header of the map says {said:.4g} Å per voxel, --map-pixel-size says {size:.4g}"
    return replace(body, notes=(*body.notes, note))


def _rules(params: LabelsReconstructionParams) -> LabelRules:
    return LabelRules(
        params.footprint,
        params.thickness,
        params.min_distance,
        params.min_score,
        params.classes,
        params.recenter,
    )


def _notes(particles: Particles, body: Body, pixel_size: float | None) -> list[str]:
    """Remarks on pixel sizes, and on a body that is not centred in its map."""
    notes = []
    known = particles.pixel_sizes[np.isfinite(particles.pixel_sizes)]
    sizes, counts = np.unique(np.round(known, 4), return_counts=True)
    if len(sizes) > 1:
        each = ", ".join(f"{size:g} Å/px ({count})" for size, count in zip(sizes, counts))
        notes.append(f"the particle images have {len(sizes)} pixel sizes: {each}")
    if pixel_size is not None and abs(body.voxel_size / pixel_size - 1) > SAME:
        notes.append(
            f"the map has {body.voxel_size:.4g} Å per voxel and the micrographs {pixel_size:.4g} "
            "Å/px: footprints are rescaled"
        )
    distance = float(np.linalg.norm(body.center_xyz))
    if distance > OFF_CENTER * body.diameter:
        notes.append(
            f"the centre of mass of the particle lies {distance:.1f} Å from the centre of the map, "
            "to which the coordinates belong: --recenter takes the centre of mass"
        )
    return notes


def _contradiction(particles: Particles, pixel_size: float | None, source: str) -> list[str]:
    """A note if the particle file and the `source` of `pixel_size` contradict each other."""
    known = particles.micrograph_pixel_sizes[particles.micrograph_pixel_sizes > 0]
    if pixel_size is None or not len(known):
        return []
    said = float(np.median(known))
    if abs(said / pixel_size - 1) < CONTRADICTS:
        return []
    return [
        f"the particle file says that micrographs have {said:.4g} Å/px, {source} {pixel_size:.4g}: "
        "check the pixel size, unless the micrographs were binned"
    ]
