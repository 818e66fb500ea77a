# SPDX-License-Identifier: GPL-3.0-or-later
"""Refined particles drawn on their micrographs as projections of their body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from cryosegment.core.labels.body import Body
from cryosegment.core.labels.canvas import Canvas
from cryosegment.core.labels.footprints import Footprints
from cryosegment.core.labels.screening import Screening, area_flaws, class_flaws, pose_flaws, screen
from cryosegment.core.labels.shapes import ellipse
from cryosegment.core.optics.projection import rotation_matrices
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.particles import Particles


@dataclass(frozen=True)
class LabelRules:
    """How refined particles become labels.

    Attributes
    ----------
    footprint
        Rule of `Footprints`.
    thickness
        Threshold of its rule "fixed", Å.
    min_distance
        Particles closer to each other are duplicates; in diameters of the body.
    min_score
        Particles with a lower score are labelled unknown; None: no limit.
    classes
        Particles of other classes are labelled unknown; empty: all classes are taken.
    recenter
        Whether coordinates are those of the body's centre of mass, not of the map's centre.
    """

    footprint: str = "silhouette"
    thickness: float = 10.0
    min_distance: float = 0.1
    min_score: float | None = None
    classes: tuple[int, ...] = ()
    recenter: bool = False


class Labeller:
    """Draws particles of one body by one set of rules.

    Parameters
    ----------
    body
        Body of the particles.
    rules
        How to label.
    device
        Name of the torch device that draws.

    Attributes
    ----------
    diameter
        Longest dimension of the body, Å.
    """

    def __init__(self, body: Body, rules: LabelRules, device: str = "cpu") -> None:
        self.rules = rules
        self.diameter = body.diameter
        self._body, self._device = body, device
        self._center_xyz = body.center_xyz
        self._drawers: dict[float, Footprints] = {}

    def screen(
        self,
        shape: tuple[int, int],
        pixel_size: float,
        particles: Particles,
        contaminated: Bool[np.ndarray, "h w"] | None = None,
    ) -> Screening[Particles]:
        """The particles of one micrograph: those to label, and the others with the reasons.

        Parameters
        ----------
        shape, pixel_size
            Of the micrograph: rows and columns, Å/px.
        particles
            Coordinates in pixels of the micrograph.
        contaminated
            Its contaminated pixels; None: none.
        """
        distance = self.rules.min_distance * self.diameter / pixel_size
        centers_yx = self._named_centers(particles, pixel_size)
        flaws = {
            **class_flaws(particles, self.rules.classes),
            **area_flaws(contaminated, centers_yx),
            **pose_flaws(particles, self.rules.min_score),
        }
        return screen(particles, particles.micrographs, centers_yx, shape, distance, flaws)

    def coordinates(self, name: str, pixel_size: float, particles: Particles) -> Coordinates:
        """Centres of the labelled particles of micrograph `name`, with their scores."""
        centers_yx = self._named_centers(particles, pixel_size)
        return Coordinates(centers_yx, pixel_size, name, particles.scores)

    def paint(
        self, shape: tuple[int, int], pixel_size: float, found: Screening[Particles]
    ) -> Canvas:
        """The label maps of a micrograph, from the particles that `screen` found."""
        drawer = self._drawers.get(pixel_size)
        if drawer is None:
            rule, thickness = self.rules.footprint, self.rules.thickness
            drawer = Footprints(self._body, pixel_size, rule, thickness, self._device)
            self._drawers[pixel_size] = drawer
        canvas = Canvas(shape, self._named_centers(found.labelled, pixel_size))
        for number, (anchor, mask) in enumerate(_draw(drawer, found.labelled, pixel_size), 1):
            canvas.paint(number, anchor, mask)
        for anchor, mask in _draw(drawer, found.doubtful, pixel_size):
            canvas.blot(anchor, mask)
        diameter_px = self.diameter / pixel_size
        for anchor in found.shapeless.refined_centers_yx(pixel_size):
            canvas.blot(anchor, ellipse(diameter_px, diameter_px, 0.0, anchor % 1))
        return canvas

    def _named_centers(self, particles: Particles, pixel_size: float) -> Float[np.ndarray, "n 2"]:
        """Centres to write: of the map, or of mass."""
        centers_yx = particles.refined_centers_yx(pixel_size)
        if not self.rules.recenter:
            return centers_yx
        matrices = rotation_matrices(torch.from_numpy(particles.angles)).numpy()
        moved = (matrices @ self._center_xyz)[:, 1::-1] / pixel_size
        return np.asarray(centers_yx + np.nan_to_num(moved))


def _draw(
    drawer: Footprints, particles: Particles, pixel_size: float
) -> Iterator[tuple[Float[np.ndarray, " 2"], Bool[np.ndarray, "s s"]]]:
    """Position and footprint of each particle."""
    anchors_yx = particles.refined_centers_yx(pixel_size)
    rotations = rotation_matrices(torch.from_numpy(particles.angles))
    return zip(anchors_yx, drawer.draw(rotations, anchors_yx % 1), strict=True)
