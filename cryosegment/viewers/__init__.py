# SPDX-License-Identifier: GPL-3.0-or-later
"""Viewers that Scipion finds."""

from cryosegment.viewers.viewer_consensus import CryoSegmentViewerConsensus
from cryosegment.viewers.viewer_evaluate import CryoSegmentViewerEvaluate
from cryosegment.viewers.viewer_labels import CryoSegmentViewerLabels
from cryosegment.viewers.viewer_model import CryoSegmentViewerModel
from cryosegment.viewers.viewer_pick import CryoSegmentViewerPick
from cryosegment.viewers.viewer_rank import CryoSegmentViewerRank
from cryosegment.viewers.viewer_screen import CryoSegmentViewerScreen
from cryosegment.viewers.viewer_train import CryoSegmentViewerTrain
from cryosegment.viewers.viewer_tune import CryoSegmentViewerTune

__all__ = [
    "CryoSegmentViewerConsensus",
    "CryoSegmentViewerEvaluate",
    "CryoSegmentViewerLabels",
    "CryoSegmentViewerModel",
    "CryoSegmentViewerPick",
    "CryoSegmentViewerRank",
    "CryoSegmentViewerScreen",
    "CryoSegmentViewerTrain",
    "CryoSegmentViewerTune",
]
