# SPDX-License-Identifier: GPL-3.0-or-later
"""Label maps of micrographs from refined particles and the body that they show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int8, Int16

from cryosegment.core.labels.body import Body
from cryosegment.core.labels.canvas import Canvas
from cryosegment.core.labels.footprints import Footprints
from cryosegment.core.labels.screening import Screening, screen
from cryosegment.core.simulation.projection import rotation_matrices
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.particles import Particles


@dataclass(frozen=True)
class LabelRules:
    """How particles become labels; lengths are parts of the body's diameter.

    Attributes
    ----------
    footprint
        Rule of `Footprints`.
    thickness
        What its rule "fixed" takes as covered, Å.
    unknown_ring
        Width of the ring around all footprints that is of unknown class.
    min_distance
        Particles nearer to each other are duplicates.
    min_score
        Particles below are unknown; None trusts all.
    recenter
        Whether coordinates are those of the body's centre of mass, not of the map's centre.
    """

    footprint: str = "silhouette"
    thickness: float = 10.0
    unknown_ring: float = 0.03
    min_distance: float = 0.1
    min_score: float | None = None
    recenter: bool = False


@dataclass(frozen=True)
class MicrographLabels:
    """The labels of one micrograph.

    Attributes
    ----------
    instances
        0 background, k the particle of row k - 1 of the coordinates.
    classes
        0 background, 1 particle, -1 unknown.
    coordinates
        Refined centres, with the scores of the poses.
    """

    instances: Int16[np.ndarray, "h w"]
    classes: Int8[np.ndarray, "h w"]
    coordinates: Coordinates


class Labeller:
    """Makes label maps of one body by one set of rules.

    Parameters
    ----------
    body
        What the particles show.
    rules
        How to label.

    Attributes
    ----------
    diameter
        Longest dimension of the body, Å.
    """

    def __init__(self, body: Body, rules: LabelRules) -> None:
        self.rules = rules
        self.diameter = body.diameter
        self._body = body
        self._center_xyz = body.center_xyz
        self._drawers: dict[float, Footprints] = {}

    def screen(self, shape: tuple[int, int], pixel_size: float, particles: Particles) -> Screening:
        """The particles of one micrograph, sorted by what can be done with them.

        Parameters
        ----------
        shape
            Rows and columns of the micrograph.
        pixel_size
            Å/px.
        particles
            Coordinates in pixels of the micrograph.

        Raises
        ------
        InputError
            If the body is larger than the micrograph.
        """
        if self.diameter / pixel_size > min(shape):
            raise InputError(
                f"the particle is {self.diameter / pixel_size:.0f} px long, but the micrograph has "
                f"{shape[0]} x {shape[1]}: check the pixel sizes of the map and the micrograph"
            )
        distance = self.rules.min_distance * self.diameter / pixel_size
        centers_yx = self._named_centers(particles, pixel_size)
        return screen(particles, centers_yx, shape, distance, self.rules.min_score)

    def label(
        self, name: str, shape: tuple[int, int], pixel_size: float, found: Screening
    ) -> MicrographLabels:
        """Labels of one micrograph, `name`, from its particles as `screen` sorted them."""
        canvas = self._paint(shape, pixel_size, found)
        centers_yx = self._named_centers(found.labelled, pixel_size)
        scores = np.nan_to_num(found.labelled.scores, nan=0.0)
        return MicrographLabels(
            canvas.instances,
            canvas.classes(self.rules.unknown_ring * self.diameter / pixel_size),
            Coordinates(centers_yx, pixel_size, name, scores),
        )

    def _named_centers(self, particles: Particles, pixel_size: float) -> Float[np.ndarray, "n 2"]:
        """Centres that are written: of the map, or of the body's mass."""
        centers_yx = particles.refined_centers_yx(pixel_size)
        if not self.rules.recenter:
            return centers_yx
        matrices = rotation_matrices(torch.from_numpy(particles.angles)).numpy()
        moved = (matrices @ self._center_xyz)[:, 1::-1] / pixel_size
        return np.asarray(centers_yx + np.nan_to_num(moved))

    def _paint(self, shape: tuple[int, int], pixel_size: float, found: Screening) -> Canvas:
        drawer = self._drawers.get(pixel_size)
        if drawer is None:
            drawer = Footprints(self._body, pixel_size, self.rules.footprint, self.rules.thickness)
            self._drawers[pixel_size] = drawer
        canvas = Canvas(shape, self._named_centers(found.labelled, pixel_size))
        for number, (anchor, mask) in enumerate(_draw(drawer, found.labelled, pixel_size), 1):
            canvas.paint(number, anchor, mask)
        for anchor, mask in _draw(drawer, found.doubtful, pixel_size):
            canvas.blot(anchor, mask)
        disc = _disc(drawer.size, self.diameter / pixel_size / 2)
        for anchor in found.shapeless.refined_centers_yx(pixel_size):
            canvas.blot(anchor, disc)
        return canvas


def _draw(
    drawer: Footprints, particles: Particles, pixel_size: float
) -> Iterator[tuple[Float[np.ndarray, " 2"], Bool[np.ndarray, "s s"]]]:
    """Where each footprint goes, and the footprint."""
    anchors_yx = particles.refined_centers_yx(pixel_size)
    rotations = rotation_matrices(torch.from_numpy(particles.angles))
    return zip(anchors_yx, drawer.draw(rotations, anchors_yx % 1), strict=True)


def _disc(size: int, radius_px: float) -> Bool[np.ndarray, "s s"]:
    offset = np.arange(size) - size // 2
    return np.asarray(offset[:, None] ** 2 + offset**2 <= radius_px**2)
