# SPDX-License-Identifier: GPL-3.0-or-later
"""What training minimises: the particle map's losses by name, and the sum over the heads."""

from cryosegment.core.training.losses.heads import (
    WEIGHTS,
    PickingLoss,
    center_focal,
    offset_distance,
    total,
)
from cryosegment.core.training.losses.pixels import (
    PIXEL_LOSSES,
    cross_entropy,
    dice,
    of_known,
)

__all__ = [
    "PIXEL_LOSSES",
    "WEIGHTS",
    "PickingLoss",
    "center_focal",
    "cross_entropy",
    "dice",
    "of_known",
    "offset_distance",
    "total",
]
