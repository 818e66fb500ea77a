# SPDX-License-Identifier: GPL-3.0-or-later
"""How picks and particles of each kind look in the report of an evaluation."""

from cryosegment.core.report import MarkStyle
from cryosegment.core.report.colors import GREY, ORANGE, PURPLE, SKY, VERMILLION

HIT = MarkStyle("hits", SKY)
MISSED = MarkStyle("missed", ORANGE, "diamond")
FALSE = MarkStyle("false picks", VERMILLION, "square")
DUPLICATE = MarkStyle("duplicates", PURPLE, "square")
NOT_COUNTED = MarkStyle("not counted", GREY)
