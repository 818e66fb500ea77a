# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of `cryosegment labels reconstruction`: what holds for all micrographs, and each one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cryosegment.core.images.micrograph import Micrograph, read_image, read_micrograph
from cryosegment.core.labels.body import Body, body_from_map, body_from_mask
from cryosegment.core.labels.files import label_entry, write_labels
from cryosegment.core.labels.reconstruction import Labeller, LabelRules
from cryosegment.core.labels.report import REJECTED_NAME, Report
from cryosegment.core.labels.scale import SAME, Scale, find_scale, on_micrograph
from cryosegment.core.labels.screening import NOT_GIVEN, Rejection
from cryosegment.core.simulation.volume import read_volume
from cryosegment.exchange.errors import CryoSegmentError, InputError, ParameterError
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.labels import PARTICLE, UNKNOWN, LabelEntry
from cryosegment.exchange.params import BodyParams, LabelsReconstructionParams
from cryosegment.exchange.particles import Particles, read_particles, split_by_micrograph

PROBES = 3
"""Micrographs, those with the most particles, that decide what the coordinates count."""
OFF_CENTER = 0.05
"""A body that lies farther from its map's centre, in diameters, is told of."""


class LabelsRun:
    """Labels of many micrographs, one call each.

    Parameters
    ----------
    params
        What to label, and how.
    micrographs
        File of each micrograph, by name.
    folder
        The labels folder.

    Attributes
    ----------
    report
        What became of the particles.

    Raises
    ------
    ParameterError, InputError
        If the particles or the map cannot be read, or the map holds no body.
    """

    def __init__(
        self, params: LabelsReconstructionParams, micrographs: Mapping[str, Path], folder: Path
    ) -> None:
        particles = read_particles(
            params.particles, params.passthrough, params.score, params.particle_pixel_size
        )
        body = read_body(params)
        self._params, self._micrographs, self._folder = params, micrographs, folder
        self._labeller = Labeller(body, _rules(params))
        stems = [micrograph_name(path) for path in micrographs.values()]
        self._particles, strangers = split_by_micrograph(particles, list(micrographs), stems)
        self._scale, pixel_size = self._find_scale()
        notes = [*body.notes, self._scale.note, *_notes(particles, body, pixel_size)]
        self.report = Report(self._labeller.diameter, notes, _unasked(strangers))

    def label(self, name: str) -> LabelEntry:
        """Label one micrograph and write its files; with `resume`, finished ones are kept.

        Raises
        ------
        InputError
            If it cannot be read, the particle file does not name it, or none of its particles
            can be labelled.
        """
        if name not in self._particles:
            raise InputError(
                f"no particles of micrograph {name} in {self._params.particles}: leave it out or "
                "correct the names"
            )
        micrograph = self._read(name)
        entry = label_entry(
            self._folder, self._micrographs[name], micrograph, self._labeller.diameter
        )
        own = on_micrograph(
            self._particles[name], self._scale, entry.shape, entry.pixel_size, self._params.y_up
        )
        found = self._labeller.screen(entry.shape, entry.pixel_size, own)
        if not len(found.labelled):
            self.report.add(name, found, 0.0, 0.0)
            raise InputError(
                f"none of {len(own)} particles of micrograph {name} can be labelled (the first: "
                f"{found.rejections[0].reason}): see {REJECTED_NAME}, check the pixel sizes"
            )
        if not (self._params.resume and entry.coordinates.exists()):
            labels = self._labeller.label(name, entry.shape, entry.pixel_size, found)
            write_labels(entry, labels.instances, labels.classes, labels.coordinates)
            classes = labels.classes
        else:
            classes = read_image(entry.classes)[0].astype(np.int8)
        areas = [float(np.mean(classes == value)) for value in (PARTICLE, UNKNOWN)]
        self.report.add(name, found, *areas)
        return entry

    def _read(self, name: str) -> Micrograph:
        return read_micrograph(self._micrographs[name], self._params.pixel_size, name)

    def _find_scale(self) -> tuple[Scale, float | None]:
        """What the coordinates count, and the pixel size of a micrograph that can be read."""
        shapes, sizes, known = [], [], []
        for name in sorted(self._particles, key=lambda name: -len(self._particles[name]))[:PROBES]:
            try:
                micrograph = self._read(name)
            except CryoSegmentError:
                continue  # reported when its turn comes
            shapes.append((micrograph.image.shape[0], micrograph.image.shape[1]))
            sizes.append(micrograph.pixel_size)
            known.append(self._particles[name])
        scale = find_scale(self._params.coordinate_scale, known, shapes, sizes)
        return scale, sizes[0] if sizes else None


def read_body(params: BodyParams) -> Body:
    """The body that refined particles show.

    Raises
    ------
    ParameterError, InputError
        If neither map nor mask is given, it cannot be read, or it holds no body.
    """
    if not params.map and not params.mask:
        raise ParameterError("expected a map or a mask, got none: give --map or --mask")
    volume, voxel_size = read_volume(Path(params.mask or params.map))
    voxel_size = params.map_pixel_size or voxel_size
    if params.mask:
        return body_from_mask(volume, voxel_size, params.dilation)
    return body_from_map(volume, voxel_size, params.map_threshold, params.low_pass, params.dilation)


def _rules(params: LabelsReconstructionParams) -> LabelRules:
    return LabelRules(
        params.footprint,
        params.thickness,
        params.unknown_ring,
        params.min_distance,
        params.min_score,
        params.recenter,
    )


def _unasked(strangers: Particles) -> list[Rejection]:
    return [
        Rejection(int(row), name, (float(center[0]), float(center[1])), NOT_GIVEN)
        for row, name, center in zip(strangers.rows, strangers.micrographs, strangers.centers_yx)
    ]


def _notes(particles: Particles, body: Body, pixel_size: float | None) -> list[str]:
    """What there is to say about pixel sizes, and about a body that is not centred."""
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
            f"the body's centre of mass lies {distance:.1f} Å from the map's centre, whose "
            "projections are the particles' coordinates: --recenter moves them"
        )
    return notes
