# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of every command: the one home of defaults, units, bounds and help."""

from cryosegment.exchange.params.calibration import CalibrationParams
from cryosegment.exchange.params.consensus import ConsensusParams
from cryosegment.exchange.params.crf import (
    CRF_PRESETS,
    DEFAULT_PRESET,
    ENGINES,
    FEATURES,
    NO_CRF,
    AppearanceTerm,
    CrfMapsParams,
    CrfParams,
    CrfTuneParams,
    parse_appearance,
)
from cryosegment.exchange.params.datasets import FetchParams
from cryosegment.exchange.params.diameter import DiameterParams
from cryosegment.exchange.params.evaluation import (
    EvaluateParams,
)
from cryosegment.exchange.params.fields import (
    AUTO,
    DIAMETER_HELP,
    GPU_HELP,
    PATH,
    PIXEL_SIZE_HELP,
    REQUIRED,
    RESUME_HELP,
    SEED_HELP,
    Y_UP_HELP,
    Kind,
    P,
    Params,
    free_to_change,
    kind_of,
    option_name,
    param,
)
from cryosegment.exchange.params.front_end import (
    CRYOSEGNET,
    CTF_HELP,
    FRONT_ENDS,
    LOW_PASS,
    MEDIAN,
    WIENER,
    WITH_CTF,
    FrontEndParams,
)
from cryosegment.exchange.params.labels import (
    BodyParams,
    LabelsCheckParams,
    LabelsCoordinatesParams,
    LabelsParams,
    LabelsProjectParams,
    LabelsReconstructionParams,
)
from cryosegment.exchange.params.network_input import BRIGHT, DARK, InputParams, NoiseParams
from cryosegment.exchange.params.networks import (
    BRANCHED_NETWORKS,
    ENCODED_NETWORKS,
    ENCODERS,
    MOST_BRANCHES,
    OWN_ENCODED_NETWORKS,
)
from cryosegment.exchange.params.particle_training import TrainParticlesParams
from cryosegment.exchange.params.picking import (
    CARD,
    DROP,
    FLAG,
    FORMATS,
    MICROGRAPH,
    NO_CLASSES,
    WORKING,
    MergeParams,
    PickParams,
    SelectionParams,
)
from cryosegment.exchange.params.ranking import RankParams
from cryosegment.exchange.params.repicking import KEPT, RepickParams
from cryosegment.exchange.params.report import ReportParams
from cryosegment.exchange.params.screening import ScreenApplyParams, ScreenTrainParams
from cryosegment.exchange.params.showing import ShowParams
from cryosegment.exchange.params.simulation import (
    SimulateParams,
)
from cryosegment.exchange.params.training import (
    TrainParams,
)
from cryosegment.exchange.params.tuning import AVERAGE_PRECISION, TuneParams

__all__ = [
    "AUTO",
    "AVERAGE_PRECISION",
    "BRANCHED_NETWORKS",
    "BRIGHT",
    "CARD",
    "CRF_PRESETS",
    "CRYOSEGNET",
    "CTF_HELP",
    "DARK",
    "DEFAULT_PRESET",
    "DIAMETER_HELP",
    "DROP",
    "ENCODED_NETWORKS",
    "ENCODERS",
    "ENGINES",
    "FEATURES",
    "FLAG",
    "FORMATS",
    "FRONT_ENDS",
    "GPU_HELP",
    "KEPT",
    "LOW_PASS",
    "MEDIAN",
    "MICROGRAPH",
    "MOST_BRANCHES",
    "NO_CLASSES",
    "NO_CRF",
    "OWN_ENCODED_NETWORKS",
    "PATH",
    "PIXEL_SIZE_HELP",
    "REQUIRED",
    "RESUME_HELP",
    "SEED_HELP",
    "WIENER",
    "WITH_CTF",
    "WORKING",
    "Y_UP_HELP",
    "AppearanceTerm",
    "BodyParams",
    "CalibrationParams",
    "ConsensusParams",
    "CrfMapsParams",
    "CrfParams",
    "CrfTuneParams",
    "DiameterParams",
    "EvaluateParams",
    "FetchParams",
    "FrontEndParams",
    "InputParams",
    "Kind",
    "LabelsCheckParams",
    "LabelsCoordinatesParams",
    "LabelsParams",
    "LabelsProjectParams",
    "LabelsReconstructionParams",
    "MergeParams",
    "NoiseParams",
    "P",
    "Params",
    "PickParams",
    "RankParams",
    "RepickParams",
    "ReportParams",
    "ScreenApplyParams",
    "ScreenTrainParams",
    "SelectionParams",
    "ShowParams",
    "SimulateParams",
    "TrainParams",
    "TrainParticlesParams",
    "TuneParams",
    "free_to_change",
    "kind_of",
    "option_name",
    "param",
    "parse_appearance",
]
