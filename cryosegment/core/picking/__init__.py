# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles from maps: candidate centres with scores, and instances around them."""

from cryosegment.core.picking.axes import instance_axes, longest_dimension
from cryosegment.core.picking.centers import (
    CONTAMINATED,
    Candidates,
    ParticleMaps,
    PickingMaps,
    contaminated_shares,
    find_candidates,
    without_contaminated,
)
from cryosegment.core.picking.filaments import on_filaments
from cryosegment.core.picking.finders import find_particles
from cryosegment.core.picking.instances import (
    find_instances,
    instance_diameters,
    renumber,
)

__all__ = [
    "CONTAMINATED",
    "Candidates",
    "ParticleMaps",
    "PickingMaps",
    "contaminated_shares",
    "find_candidates",
    "find_instances",
    "find_particles",
    "instance_axes",
    "instance_diameters",
    "longest_dimension",
    "on_filaments",
    "renumber",
    "without_contaminated",
]
