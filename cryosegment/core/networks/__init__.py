# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks: micrograph at working scale -> logits of every head."""

from cryosegment.core.networks.build import HEADS, build_network, network_names

__all__ = ["HEADS", "build_network", "network_names"]
