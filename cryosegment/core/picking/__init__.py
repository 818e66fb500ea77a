# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles from maps: candidate centres with scores, and instances around them."""

from cryosegment.core.picking.centers import Candidates, PickingMaps, find_candidates
from cryosegment.core.picking.instances import find_instances, instance_diameters
from cryosegment.core.picking.suppression import suppress_neighbors

__all__ = [
    "Candidates",
    "PickingMaps",
    "find_candidates",
    "find_instances",
    "instance_diameters",
    "suppress_neighbors",
]
