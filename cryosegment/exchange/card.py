# SPDX-License-Identifier: GPL-3.0-or-later
"""Model cards: the description that a model file holds of itself; read without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from cryosegment.exchange.card_format_1 import to_format_2
from cryosegment.exchange.errors import ModelError, ParameterError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.model_files import read_metadata
from cryosegment.exchange.params.calibration import CalibrationParams
from cryosegment.exchange.params.crf import CrfParams
from cryosegment.exchange.params.fields import param
from cryosegment.exchange.params.network_input import InputParams
from cryosegment.exchange.params.picking import SelectionParams
from cryosegment.exchange.records import Record, record_from_dict, record_to_dict

CARD_VERSION = 2
CARD_KEY = "model_card"
PICKING, PARTICLE_IMAGES, SCREENING = "picking", "particle images", "screening"
"""Tasks of networks."""
STATE = ".state"
"""Part of the file names of a training that is not finished."""
Facts = Dict[str, Any]


@dataclass(frozen=True)
class TrainedNetwork(Record):
    """What a network is.

    Parameters
    ----------
    architecture, arguments
        Its name for `build_network`, and the arguments that build it.
    heads
        Meaning of each output channel, in order.
    tile_size, halo
        Largest input that is predicted at once, and the margin that is dropped between tiles, px
        of the input.
    """

    architecture: str
    arguments: Facts
    heads: Tuple[str, ...]
    tile_size: int = param(2048, "largest side of an input", "px", minimum=16, maximum=65536)
    halo: int = param(160, "margin that is dropped between tiles", "px", minimum=0, maximum=8192)


@dataclass(frozen=True)
class Use(Record):
    """How a picking model is best used.

    Parameters
    ----------
    threshold
        Threshold of the network's own scores, in [0, 1].
    calibration
        Turns these scores into probabilities; None where they cannot be.
    selection
        Centre finder, distance and sizes.
    crf
        Refines the particle map; None for no CRF.
    """

    threshold: float = param(0.5, "lowest score of the network", minimum=0, maximum=1)
    calibration: Optional[CalibrationParams] = None
    selection: SelectionParams = SelectionParams()
    crf: Optional[CrfParams] = None


@dataclass(frozen=True)
class Provenance(Record):
    """Where a model comes from.

    Parameters
    ----------
    label_source
        Where the labels come from: simulation, coordinates, picked coordinates (a picker's, with
        its scores), picks (which are not validated on), reconstruction, manual.
    particle_diameters
        Smallest and largest particle diameter seen in training, Å.
    training_data
        The data sets: identifier, number of micrographs or patches, split.
    training
        Parameters of the training run, with the seed.
    metrics
        Results: data set, metric, value, threshold.
    parent
        SHA-256 of the model this one was fine-tuned from; empty for none.
    software
        Version of each program used.
    """

    label_source: str = ""
    particle_diameters: Tuple[float, ...] = ()
    training_data: Tuple[Facts, ...] = ()
    training: Facts = field(default_factory=dict)
    metrics: Tuple[Facts, ...] = ()
    parent: str = ""
    software: Dict[str, str] = field(default_factory=dict)
    date: str = ""
    license: str = ""
    citation: str = ""


@dataclass(frozen=True)
class ModelCard(Record):
    """Everything needed to use a model, and where it comes from.

    Parameters
    ----------
    name
        Name of the model.
    network
        What it is.
    input
        What it receives.
    use
        How it is best used, if its task is picking.
    provenance
        Where it comes from.
    checksum
        What it answers to the test image (see `cryosegment.core.models.verification`), by which a
        copy or another machine is verified; empty in a model of an earlier version.
    task
        What it is for: `PICKING`, `SCREENING`, or another task, whose heads have other meanings.
    """

    name: str
    network: TrainedNetwork
    input: InputParams
    use: Use = Use()
    provenance: Provenance = Provenance()
    checksum: Tuple[Tuple[float, ...], ...] = ()
    task: str = PICKING

    def check_task(self, task: str) -> None:
        """Check that the model can be used for a task.

        Raises
        ------
        ModelError
            If it is for another.
        """
        if self.task != task:
            raise ModelError(
                f"expected a model for {task}, found {self.name}, which is for {self.task}: choose "
                "another model"
            )

    def to_json(self, indent: Optional[int] = None) -> str:
        """The card as JSON text."""
        values = {"format_version": CARD_VERSION, **record_to_dict(self)}
        return json.dumps(values, indent=indent, ensure_ascii=False)


def card_from_json(text: str, source: PathLike = "the model") -> ModelCard:
    """Card from JSON text, also of format 1; `source` names the model in errors.

    Raises
    ------
    ModelError
        If it is not JSON, of another format version, or a field is missing, unknown, of the
        wrong type or out of bounds.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"the model card of {source} is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise ModelError(f"the model card of {source} is not a JSON object")
    version = values.pop("format_version", None)
    if version not in (1, CARD_VERSION):
        raise ModelError(
            f"expected model card format 1 or {CARD_VERSION}, got {version} in {source}: install "
            "the cryosegment version that made it"
        )
    try:
        return record_from_dict(ModelCard, to_format_2(values) if version == 1 else values)
    except ParameterError as error:
        raise ModelError(
            f"expected a model card (format {version}) that this version knows in {source} "
            f"({error}): install the cryosegment version that made the model, or copy it again"
        ) from None


def read_card(path: PathLike) -> ModelCard:
    """Card of a model file.

    Raises
    ------
    InputError
        If the file is missing or cannot be read.
    ModelError
        If it is not a safetensors file, or has no valid card.
    """
    path = Path(path)
    metadata = read_metadata(path)
    if CARD_KEY not in metadata and STATE in path.suffixes:
        model = path.name.split(STATE)[0] + path.suffix
        raise ModelError(
            f"{path} is the state of a training, not its model: give {model} beside it"
        )
    if CARD_KEY not in metadata:
        raise ModelError(f"{path} has no model card: it was not made by `cryosegment train`")
    return card_from_json(metadata[CARD_KEY], path)
