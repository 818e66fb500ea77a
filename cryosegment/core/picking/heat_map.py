# SPDX-License-Identifier: GPL-3.0-or-later
"""The centre finder of picking networks, whose heat map and offsets say where centres are."""

from __future__ import annotations

from cryosegment.core.picking.centers import (
    Candidates,
    ParticleMaps,
    PickingMaps,
    find_candidates,
)
from cryosegment.core.picking.finders import Search
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.parts import CENTER_FINDERS, HEAT_MAP


def find_by_heat_map(maps: ParticleMaps, search: Search) -> Candidates:
    """Candidates at the peaks of the heat map; see `find_candidates`.

    Raises
    ------
    InputError
        If there is no heat map.
    """
    if not isinstance(maps, PickingMaps):
        others = ", ".join(name for name in CENTER_FINDERS if name != HEAT_MAP)
        raise InputError(
            f"expected the maps of a picking network for centres by {HEAT_MAP}, found the "
            f"particle map alone: choose {others}"
        )
    return find_candidates(
        maps, search.diameter_px, search.min_distance, search.floor, search.edge_px
    )
