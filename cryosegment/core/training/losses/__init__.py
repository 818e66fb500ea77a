# SPDX-License-Identifier: GPL-3.0-or-later
"""Loss functions: of the particle map by name, and their sum over the heads."""

from cryosegment.core.training.losses.picking import PickingLoss, total
from cryosegment.core.training.losses.pixels import PIXEL_LOSSES

__all__ = ["PIXEL_LOSSES", "PickingLoss", "total"]
