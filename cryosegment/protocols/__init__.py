# SPDX-License-Identifier: GPL-3.0-or-later
"""Protocols that Scipion finds."""

from cryosegment.protocols.protocol_consensus import CryoSegmentProtConsensus
from cryosegment.protocols.protocol_evaluate import CryoSegmentProtEvaluate
from cryosegment.protocols.protocol_import_model import CryoSegmentProtImportModel
from cryosegment.protocols.protocol_labels import CryoSegmentProtLabels
from cryosegment.protocols.protocol_pick import CryoSegmentProtPick
from cryosegment.protocols.protocol_rank import CryoSegmentProtRankParticles
from cryosegment.protocols.protocol_repick import CryoSegmentProtRepick
from cryosegment.protocols.protocol_screen_picks import CryoSegmentProtScreenPicks
from cryosegment.protocols.protocol_simulate import CryoSegmentProtSimulate
from cryosegment.protocols.protocol_train import CryoSegmentProtTrain
from cryosegment.protocols.protocol_train_particles import CryoSegmentProtTrainParticles
from cryosegment.protocols.protocol_train_screening import CryoSegmentProtTrainScreening
from cryosegment.protocols.protocol_tune import CryoSegmentProtTune

__all__ = [
    "CryoSegmentProtConsensus",
    "CryoSegmentProtEvaluate",
    "CryoSegmentProtImportModel",
    "CryoSegmentProtLabels",
    "CryoSegmentProtPick",
    "CryoSegmentProtRankParticles",
    "CryoSegmentProtRepick",
    "CryoSegmentProtScreenPicks",
    "CryoSegmentProtSimulate",
    "CryoSegmentProtTrain",
    "CryoSegmentProtTrainParticles",
    "CryoSegmentProtTrainScreening",
    "CryoSegmentProtTune",
]
