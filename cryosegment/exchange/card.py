# SPDX-License-Identifier: GPL-3.0-or-later
"""Model cards: the description that a model file holds of itself; read without torch."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from cryosegment.exchange.errors import ModelError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.model_files import read_metadata

IMAGE_NORMALIZATION = "local mean removed, mean 0 and standard deviation 1, clipped at 4"
NOISE_NORMALIZATION = "local mean removed, noise of standard deviation 1, large values compressed"
NORMALIZATIONS = (NOISE_NORMALIZATION, IMAGE_NORMALIZATION)
"""What cards say of a network's input; the second is that of earlier versions."""

CARD_VERSION = 1
CARD_KEY = "model_card"
STATE = ".state"
"""Part of the file names of a training that is not finished."""
LATER_FIELDS = ("front_end", "picking", "calibration")
"""Fields that cards of earlier versions lack; their defaults describe those models."""
Facts = Dict[str, Any]
BOUNDS = (
    ("threshold", 0.0, 1.0),
    ("pixels_per_diameter", 1.0, 1000.0),
    ("tile_size", 16, 65536),
    ("halo", 0, 8192),
)
"""Numbers of a card that a network works with, and the least and most that they can be."""


@dataclass(frozen=True)
class ModelCard:
    """Everything needed to use a model, and where it comes from.

    Parameters
    ----------
    name
        Name of the model.
    architecture, architecture_args
        Network and the arguments that build it.
    pixels_per_diameter
        Particle diameter in px of the network's input.
    contrast
        What the network expects: "dark" or "bright" particles.
    front_end
        Filter or denoiser before normalisation: its parameters by name; empty for none.
    normalization
        How the input image is normalised: one of `NORMALIZATIONS`.
    classes
        Meaning of each output channel, in order.
    threshold
        Recommended threshold of the network's own scores, in [0, 1].
    calibration
        Numbers that turn these scores into probabilities by name; empty for none.
    picking
        Recommended picking parameters: centre finder, distance and sizes; empty for the defaults.
    crf
        Recommended CRF: its parameters; empty for none.
    tile_size, halo
        Largest input and the margin that is dropped between tiles, px of the input.
    particle_diameters
        Smallest and largest particle diameter seen in training, Å.
    training_data
        The data sets: identifier, number of micrographs or patches, split.
    label_source
        Where the labels come from: simulation, coordinates, picked coordinates (a picker's, with
        its scores), picks (which are not validated on), reconstruction, manual.
    training
        Parameters of the training run, with the seed.
    metrics
        Results: data set, metric, value, threshold.
    parent
        SHA-256 of the model this one was fine-tuned from; empty for none.
    software
        Version of each program used.
    """

    name: str
    architecture: str
    architecture_args: Facts
    pixels_per_diameter: float
    classes: Tuple[str, ...]
    contrast: str = "dark"
    front_end: Facts = field(default_factory=dict)
    normalization: str = NOISE_NORMALIZATION
    threshold: float = 0.5
    calibration: Facts = field(default_factory=dict)
    picking: Facts = field(default_factory=dict)
    crf: Facts = field(default_factory=dict)
    tile_size: int = 2048
    halo: int = 160
    particle_diameters: Tuple[float, ...] = ()
    training_data: Tuple[Facts, ...] = ()
    label_source: str = ""
    training: Facts = field(default_factory=dict)
    metrics: Tuple[Facts, ...] = ()
    parent: str = ""
    software: Dict[str, str] = field(default_factory=dict)
    date: str = ""
    license: str = ""
    citation: str = ""
    format_version: int = CARD_VERSION

    def to_json(self, indent: Optional[int] = None) -> str:
        """The card as JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=indent, ensure_ascii=False)


def card_from_json(text: str, source: PathLike = "the model") -> ModelCard:
    """Card from JSON text; `source` names the model in errors.

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
    version = values.get("format_version")
    if version != CARD_VERSION:
        raise ModelError(
            f"expected model card format {CARD_VERSION}, got {version} in {source}: install the "
            "cryosegment version that made it"
        )
    card = ModelCard(**_checked_fields(values, source))
    for name, low, high in BOUNDS:
        value = getattr(card, name)
        if not low <= value <= high:
            raise ModelError(
                f"expected {name.replace('_', ' ')} from {low:g} to {high:g} in the model card of "
                f"{source}, got {value}: the file is damaged, so copy or train the model again"
            )
    return card


def _checked_fields(values: Facts, source: PathLike) -> Facts:
    fields = {item.name: str(item.type) for item in dataclasses.fields(ModelCard)}
    for name in sorted(set(fields) - set(values) - set(LATER_FIELDS)):
        raise ModelError(f"the model card (format {CARD_VERSION}) of {source} lacks field {name}")
    checked = {}
    for name, value in values.items():
        if name not in fields:
            raise ModelError(
                f"the model card (format {CARD_VERSION}) of {source} has an unknown field {name}"
            )
        if not isinstance(value, _json_types(fields[name])) or isinstance(value, bool):
            raise ModelError(f"field {name} in the model card of {source} has the wrong type")
        checked[name] = tuple(value) if isinstance(value, list) else value
    return checked


def _json_types(annotation: str) -> Tuple[type, ...]:
    if annotation.startswith("Tuple"):
        return (list,)
    plain = {"str": (str,), "int": (int,), "float": (int, float)}
    return plain.get(annotation, (dict,))


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
