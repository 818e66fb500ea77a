# SPDX-License-Identifier: GPL-3.0-or-later
"""Viewers that Scipion finds."""

from cryosegment.viewers.viewer_model import CryoSegmentViewerModel
from cryosegment.viewers.viewer_pick import CryoSegmentViewerPick

__all__ = ["CryoSegmentViewerModel", "CryoSegmentViewerPick"]
