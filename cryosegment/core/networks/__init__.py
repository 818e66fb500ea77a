# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks: micrograph at working scale -> logits of every head."""

from cryosegment.core.networks.build import build_network
from cryosegment.core.networks.heads import HEADS, Heads

__all__ = ["HEADS", "Heads", "build_network"]
