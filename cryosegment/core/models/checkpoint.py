# SPDX-License-Identifier: GPL-3.0-or-later
"""Models on disk: safetensors with the card in the header."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from cryosegment.core.models.tensors import write_tensors
from cryosegment.core.models.verification import checksum
from cryosegment.core.networks import Heads, build_network
from cryosegment.exchange.card import CARD_KEY, Facts, ModelCard, TrainedNetwork, read_card
from cryosegment.exchange.errors import ModelError, ParameterError

MOST, MOST_LEVELS = 4096, 16
"""Channels or blocks of a network, and its levels; more than any has."""


def save_checkpoint(path: Path, network: nn.Module, card: ModelCard) -> None:
    """Write a network, its weights in half precision, with its card and its checksum.

    Half precision halves the file; the weights are far below its limit of 65,504, and rounding
    them does not change the picks.
    """
    weights = {name for name, _ in network.named_parameters()}
    tensors = {
        name: tensor.half() if name in weights else tensor
        for name, tensor in network.state_dict().items()
    }
    saved = copy.deepcopy(network).cpu().eval()
    saved.load_state_dict(tensors)
    card = replace(card, checksum=checksum(saved, card.input))
    write_tensors(path, tensors, {CARD_KEY: card.to_json()})


def load_network(path: Path) -> tuple[nn.Module, ModelCard]:
    """A network in float32, in evaluation mode, and its card.

    Raises
    ------
    InputError
        If the file is missing.
    ModelError
        If it is not a model, or its tensors are not those of the network that its card names.
    """
    card = read_card(path)
    network = _build(path, card.network)
    try:
        expected, tensors = network.state_dict(), load_file(path)
        typed = {n: t.to(expected[n].dtype) for n, t in tensors.items() if n in expected}
        network.load_state_dict({**tensors, **typed}, assign=True)
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(
            f"expected the weights of a {card.network.architecture} network in {path}, found a "
            "damaged or other file: copy or train the model again"
        ) from error
    if not all(weights.isfinite().all() for weights in network.state_dict().values()):
        raise ModelError(
            f"expected finite weights in {path}, found NaN or infinite ones: train the model again "
            "with a lower learning rate, or copy it again"
        )
    return network.eval().to(memory_format=torch.channels_last), card  # type: ignore[call-overload]


def _build(path: Path, facts: TrainedNetwork) -> nn.Module:
    """The network of a card, without weights: a card that asks for huge ones costs none."""
    try:
        _check_arguments(facts.arguments)
        with torch.device("meta"):
            return build_network(facts.architecture, Heads(facts.heads), **facts.arguments)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"expected a network that this version can build in {path}, found "
            f"{facts.architecture} with {facts.arguments}: install the cryosegment version that "
            "made it"
        ) from error


def _check_arguments(values: Facts) -> None:
    """Check that a network can be built in a moment.

    Raises
    ------
    ParameterError
        If a number, or the count of some, is beyond what a network has.
    """
    for name, value in values.items():
        items = value if isinstance(value, list) else [value]
        numbers = [item for item in items if not isinstance(item, str)]
        if len(items) > MOST_LEVELS or any(not 0 <= number <= MOST for number in numbers):
            raise ParameterError(f"expected {name} of at most {MOST}, got {value}")


def fingerprint(path: Path) -> str:
    """SHA-256 of a model file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
