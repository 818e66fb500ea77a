# SPDX-License-Identifier: GPL-3.0-or-later
"""What training minimises: the particle map's losses by name, and the sum over the heads."""

from cryosegment.core.training.losses.heads import PickingLoss, total
from cryosegment.core.training.losses.pixels import PIXEL_LOSSES

__all__ = ["PIXEL_LOSSES", "PickingLoss", "total"]
