# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a tuning leaves beside its model: suffixes instead of the model's own."""

from __future__ import annotations

PICKING_TABLE, PICKING_FIGURE, PICKING_RESULT = ".picking.csv", ".picking.png", ".picking.txt"
CRF_TABLE, CRF_RESULT = ".crf.csv", ".crf.txt"
"""All that was tried, a drawing of it, and the result in a few lines."""
