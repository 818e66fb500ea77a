# SPDX-License-Identifier: GPL-3.0-or-later
"""Label maps drawn from the footprints (projected shapes) of particles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int8, Int16

from cryosegment.core.labels.areas import convex_hull, edges, near
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import CONTAMINATION, EDGE, PARTICLE, UNKNOWN

MAX_INSTANCES = int(np.iinfo(np.int16).max)


@dataclass(frozen=True)
class ClassRules:
    """How instances become classes.

    Attributes
    ----------
    edge_px
        Width of the particles' edge.
    ring_px
        Width of the ring around all particles that is labelled unknown.
    support_px
        Pixels farther than this from the convex hull of all particles are labelled unknown;
        None: no such limit.
    """

    edge_px: float = 0.0
    ring_px: float = 0.0
    support_px: float | None = None


class Canvas:
    """The label maps of one micrograph, drawn particle by particle.

    Parameters
    ----------
    shape
        Rows and columns.
    centers_yx
        Centres of the labelled particles, px; particle k is row k - 1.

    Attributes
    ----------
    instances
        0 background, k particle k; where footprints overlap, pixels belong to the nearer centre.

    Raises
    ------
    InputError
        If there are more particles than fit in an int16 map.
    """

    def __init__(self, shape: tuple[int, int], centers_yx: Float[np.ndarray, "n 2"]) -> None:
        if len(centers_yx) > MAX_INSTANCES:
            raise InputError(
                f"expected at most {MAX_INSTANCES} particles on a micrograph, got "
                f"{len(centers_yx)}: check that the coordinates are of one micrograph"
            )
        self.instances: Int16[np.ndarray, "h w"] = np.zeros(shape, np.int16)
        self._unknown: Bool[np.ndarray, "h w"] | None = None
        self._centers_yx = centers_yx

    def paint(
        self,
        number: int,
        anchor_yx: Float[np.ndarray, " 2"],
        footprint: Bool[np.ndarray, "s s"],
    ) -> None:
        """Draw particle `number` (from 1), with pixel `s // 2` on the anchor, rounded down."""
        center = self._centers_yx[number - 1]
        window, part = window_of(self.instances.shape, anchor_yx, footprint.shape[0])
        mine = footprint[part]
        place = self.instances[window]
        rows, columns = np.nonzero(mine & (place > 0))
        holders = place[rows, columns]
        place[mine] = number
        points = np.stack((rows + window[0].start, columns + window[1].start), axis=1)
        theirs = ((points - self._centers_yx[holders - 1]) ** 2).sum(axis=1)
        keep = theirs <= ((points - center) ** 2).sum(axis=1)
        place[rows[keep], columns[keep]] = holders[keep]

    def blot(self, anchor_yx: Float[np.ndarray, " 2"], footprint: Bool[np.ndarray, "s s"]) -> None:
        """Label the background under a footprint unknown."""
        if self._unknown is None:
            self._unknown = np.zeros(self.instances.shape, bool)
        window, part = window_of(self.instances.shape, anchor_yx, footprint.shape[0])
        self._unknown[window] |= footprint[part]

    def classes(
        self, rules: ClassRules, contaminated: Bool[np.ndarray, "h w"] | None = None
    ) -> Int8[np.ndarray, "h w"]:
        """The class map, in values of `cryosegment.exchange.labels.CLASSES`.

        Parameters
        ----------
        rules
            How instances become classes.
        contaminated
            Pixels that are labelled contamination, in any case.
        """
        classes = np.zeros(self.instances.shape, np.int8)
        is_own = self.instances > 0
        if self._unknown is not None:
            classes[self._unknown] = UNKNOWN
        if rules.ring_px > 0:
            classes[near(is_own, rules.ring_px)] = UNKNOWN
        if rules.support_px is not None:
            classes[~near(convex_hull(is_own), rules.support_px)] = UNKNOWN
        classes[is_own] = PARTICLE
        classes[edges(self.instances, rules.edge_px)] = EDGE
        if contaminated is not None:
            classes[contaminated] = CONTAMINATION
        return classes


def window_of(
    shape: tuple[int, ...], anchor_yx: Float[np.ndarray, " 2"], size: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The window of a footprint on a map, and the part of the footprint inside the map.

    Parameters
    ----------
    shape
        Rows and columns of the map.
    anchor_yx
        Position of pixel `size // 2` of the footprint, rounded down; px.
    size
        Side of the footprint, px.
    """
    # whatever a file has for a position: beyond this nothing of the footprint is on the map
    near_yx = np.clip(np.floor(anchor_yx), -size, np.add(shape, size))
    start = near_yx.astype(int) - size // 2
    first = np.maximum(start, 0)
    last = np.maximum(first, np.minimum(start + size, shape))
    window = (slice(first[0], last[0]), slice(first[1], last[1]))
    first, last = first - start, last - start
    return window, (slice(first[0], last[0]), slice(first[1], last[1]))
