# SPDX-License-Identifier: GPL-3.0-or-later
"""Candidates by any centre finder, and what finders share that use the particle map alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from cryosegment.core.parts import load_part
from cryosegment.core.picking.centers import (
    Candidates,
    ParticleMaps,
    away_from_edge,
    disc_means,
)
from cryosegment.exchange.params import SelectionParams
from cryosegment.exchange.parts import CENTER_FINDERS
from cryosegment.exchange.suppression import suppress_neighbors

LEVEL = 0.5
"""Threshold of the particle map for finders that need a mask."""


@dataclass(frozen=True)
class Search:
    """What a centre finder looks for.

    Parameters
    ----------
    diameter_px
        Of the particles.
    min_distance
        Smallest distance of two candidates, in particle diameters.
    scale
        Length scale of the finder, in particle diameters.
    floor
        Candidates with a lower score are left out.
    edge_px
        Centres nearer than this to the border of the image or to invalid pixels are left out.
    sam
        Folder of a checkpoint of SAM, for the finder that asks it.
    """

    diameter_px: float
    min_distance: float
    scale: float
    floor: float = 0.05
    edge_px: float = 0.0
    sam: str = ""


Finder = Callable[[ParticleMaps, Search], Candidates]
"""Gives the candidates of an image, best first, on the device of its maps."""


def find_particles(
    maps: ParticleMaps,
    diameter_px: float,
    selection: SelectionParams,
    floor: float = 0.05,
    edge_px: float = 0.0,
    sam: str = "",
) -> Candidates:
    """Candidates of an image, best first, on the device of its maps.

    Parameters
    ----------
    maps
        Maps of the network; the finder `heatmap` needs all of a picking network.
    selection
        Finder, its scale, and the smallest distance.
    diameter_px, floor, edge_px, sam
        As in `Search`.

    Raises
    ------
    InputError
        If there is no heat map for the finder `heatmap`.
    """
    part = CENTER_FINDERS[selection.centers]
    find: Finder = load_part(part)
    scale = selection.scale or part.scales[0]
    return find(maps, Search(diameter_px, selection.min_distance, scale, floor, edge_px, sam))


def particle_map(maps: ParticleMaps) -> Float[np.ndarray, "h w"]:
    """Probability of a particle, 0 on invalid pixels."""
    return (maps.particle * maps.valid).float().cpu().numpy()


def score_centers(
    maps: ParticleMaps, centers_yx: Float[np.ndarray, "n 2"], search: Search
) -> Candidates:
    """Candidates at some centres, without those that the search leaves out.

    The score is the mean of the particle map over the disc; of centres nearer to each other than
    the smallest distance the best is kept.

    Parameters
    ----------
    maps
        Maps in which the centres were found.
    centers_yx
        px.
    search
        What was looked for.
    """
    found = torch.from_numpy(centers_yx).to(maps.particle)
    allowed = maps.valid & away_from_edge(maps.valid, search.edge_px)
    found = found[allowed[found.round().long().unbind(1)]]
    scores = disc_means(maps.particle, maps.valid, found.round().long(), search.diameter_px)
    kept = suppress_neighbors(
        found.cpu().numpy(), scores.cpu().numpy(), search.min_distance * search.diameter_px
    )
    rows = torch.from_numpy(kept).to(found.device)
    rows = rows[scores[rows] >= search.floor]
    return Candidates(found[rows], scores[rows])
