# SPDX-License-Identifier: GPL-3.0-or-later
"""Output channels of a picking network."""

HEADS = ("particle", "center", "offset_y", "offset_x", "edge", "contamination")
"""Channels of a picking network, in order. Offsets are (centre - pixel) / particle radius."""

CENTER_PRIOR = 0.01
"""Probability of a centre that a fresh network of the zoo starts from (Lin et al., Focal loss,
2017, section 4.1): else the many pixels without one rule the first steps."""
