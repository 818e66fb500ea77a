# SPDX-License-Identifier: GPL-3.0-or-later
"""Centre finders: from all maps of a network, or from the particle map alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float

from cryosegment.core.picking.centers import (
    Candidates,
    ParticleMaps,
    PickingMaps,
    away_from_edge,
    disc_means,
    find_candidates,
)
from cryosegment.core.picking.contours import contour_centers
from cryosegment.core.picking.crocker_grier import crocker_grier_centers
from cryosegment.core.picking.grid_maxima import grid_centers
from cryosegment.core.picking.suppression import suppress_neighbors
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import CONTOUR, CROCKER_GRIER, GRID_NMS, HEAT_MAP, SelectionParams

Finder = Callable[
    [Float[np.ndarray, "h w"], float, float, float],
    Float[np.ndarray, "n 2"],
]
"""Called with a particle map, the diameter in px, and distance and scale in diameters."""

FINDERS: dict[str, Finder] = {
    CONTOUR: contour_centers,
    CROCKER_GRIER: crocker_grier_centers,
    GRID_NMS: grid_centers,
}
SCALES = {
    HEAT_MAP: (0.0,),
    CONTOUR: (0.25, 0.15, 0.35),
    CROCKER_GRIER: (1.0, 1.2, 1.4),
    GRID_NMS: (0.4, 0.2, 0.6),
}
"""Scales of each finder to try when tuning, the default first."""


def find_particles(
    maps: ParticleMaps,
    diameter_px: float,
    selection: SelectionParams,
    floor: float = 0.05,
    edge_px: float = 0.0,
) -> Candidates:
    """Candidates of an image, best first, on the device of its maps.

    Parameters
    ----------
    maps
        Maps of the network; the finder `heatmap` needs all of a picking network.
    diameter_px
        Of the particles.
    selection
        Finder, its scale, and the smallest distance.
    floor
        Candidates with a lower score are left out.
    edge_px
        Centres nearer than this to the border of the image or to invalid pixels are left out.

    Raises
    ------
    InputError
        If there is no heat map for the finder `heatmap`.

    Notes
    -----
    The score of finders that use the particle map alone is its mean over the disc, times one
    minus the mean contamination.
    """
    if selection.centers == HEAT_MAP:
        if not isinstance(maps, PickingMaps):
            raise InputError(
                f"expected the maps of a picking network for centres by {HEAT_MAP}, found the "
                f"particle map alone: choose {', '.join(FINDERS)}"
            )
        return find_candidates(maps, diameter_px, selection.min_distance, floor, edge_px)
    scale = selection.scale or SCALES[selection.centers][0]
    probability = (maps.particle * maps.valid).float().cpu().numpy()
    centers = FINDERS[selection.centers](probability, diameter_px, selection.min_distance, scale)
    found = torch.from_numpy(centers).to(maps.particle)
    allowed = maps.valid & away_from_edge(maps.valid, edge_px)
    found = found[allowed[found.round().long().unbind(1)]]
    discs = maps.valid, found.round().long(), diameter_px
    particle, contamination = (
        disc_means(maps.particle, *discs),
        disc_means(maps.contamination, *discs),
    )
    scores = particle * (1 - contamination)
    kept = suppress_neighbors(
        found.cpu().numpy(), scores.cpu().numpy(), selection.min_distance * diameter_px
    )
    rows = torch.from_numpy(kept).to(found.device)
    rows = rows[scores[rows] >= floor]
    return Candidates(found[rows], scores[rows])
