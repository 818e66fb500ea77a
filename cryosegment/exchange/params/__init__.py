# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of every command: the one home of defaults, units, bounds and help."""

from cryosegment.exchange.params.crf import (
    CARD_CRF,
    CRF_PRESETS,
    DEFAULT_PRESET,
    ENGINES,
    FEATURES,
    NO_CRF,
    SOLVERS,
    AppearanceTerm,
    CrfMapsParams,
    CrfParams,
    CrfTuneParams,
    choose_crf,
    crf_of_card,
    parse_appearance,
)
from cryosegment.exchange.params.datasets import FetchParams
from cryosegment.exchange.params.evaluation import (
    EvaluateParams,
)
from cryosegment.exchange.params.fields import (
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
    kind_of,
    param,
    params_from_dict,
    params_to_dict,
)
from cryosegment.exchange.params.labels import (
    BodyParams,
    LabelsCheckParams,
    LabelsCoordinatesParams,
    LabelsParams,
    LabelsProjectParams,
    LabelsReconstructionParams,
)
from cryosegment.exchange.params.networks import (
    BRANCHED_NETWORKS,
    ENCODED_NETWORKS,
    ENCODERS,
    MOST_BRANCHES,
    NETWORKS,
)
from cryosegment.exchange.params.picking import (
    FORMATS,
    PickParams,
)
from cryosegment.exchange.params.simulation import (
    SimulateParams,
)
from cryosegment.exchange.params.training import (
    TrainParams,
)

__all__ = [
    "BRANCHED_NETWORKS",
    "CARD_CRF",
    "CRF_PRESETS",
    "DEFAULT_PRESET",
    "DIAMETER_HELP",
    "ENCODED_NETWORKS",
    "ENCODERS",
    "ENGINES",
    "FEATURES",
    "FORMATS",
    "GPU_HELP",
    "MOST_BRANCHES",
    "NETWORKS",
    "NO_CRF",
    "PATH",
    "PIXEL_SIZE_HELP",
    "REQUIRED",
    "RESUME_HELP",
    "SEED_HELP",
    "SOLVERS",
    "Y_UP_HELP",
    "AppearanceTerm",
    "BodyParams",
    "CrfMapsParams",
    "CrfParams",
    "CrfTuneParams",
    "EvaluateParams",
    "FetchParams",
    "Kind",
    "LabelsCheckParams",
    "LabelsCoordinatesParams",
    "LabelsParams",
    "LabelsProjectParams",
    "LabelsReconstructionParams",
    "P",
    "Params",
    "PickParams",
    "SimulateParams",
    "TrainParams",
    "choose_crf",
    "crf_of_card",
    "kind_of",
    "param",
    "params_from_dict",
    "params_to_dict",
    "parse_appearance",
]
