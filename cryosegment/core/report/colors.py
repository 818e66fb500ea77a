# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours that the colour-blind can tell apart.

Okabe & Ito, Color Universal Design, 2008.
"""

ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
BLUE, VERMILLION, PURPLE, BLACK = "#0072b2", "#d55e00", "#cc79a7", "#000000"
GREY = "#8a8d91"
SERIES = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK)
"""Of curves beside each other, in this order; after the last they begin again."""
