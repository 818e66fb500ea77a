# SPDX-License-Identifier: GPL-3.0-or-later
"""A model: a network and its card, ready for picking."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from cryosegment.core.models.acceleration import accelerate
from cryosegment.core.models.checkpoint import load_network
from cryosegment.core.networks import HEADS
from cryosegment.exchange.card import PICKING, ModelCard, read_card
from cryosegment.exchange.errors import ModelError, ParameterError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import AUTO


def best_device(wished: str = AUTO) -> str:
    """Name of the torch device that is wished; for auto of the first GPU if there is one."""
    if wished != AUTO:
        return wished
    return "cuda:0" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Model:
    """A picking network on its device, and its card.

    Parameters
    ----------
    network
        As it was trained. A CRF that compares feature maps takes them from it, as it was tuned on
        these; all else is predicted by `picker`.
    card
        Its model card.
    """

    network: nn.Module
    card: ModelCard

    def __repr__(self) -> str:
        card = self.card
        scale = f"{card.input.pixels_per_diameter:g} px per diameter"
        return f"Model({card.name}: {card.network.architecture}, {scale}, {self.device})"

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return next(self.network.parameters()).device

    @cached_property
    def picker(self) -> nn.Module:
        """The network as it is applied: a fast copy (see `accelerate`), made at first use."""
        return accelerate(self.network)


def load_model(model: PathLike, device: str = AUTO) -> Model:
    """A model by path or by the name `general`, ready for picking.

    Parameters
    ----------
    model
        Path, or `general` for the shipped model.
    device
        As torch names it, such as cpu or cuda:0; auto: a GPU if there is one.

    Raises
    ------
    InputError, ModelError, ParameterError
        As `load_for`.
    """
    return Model(*load_for(model, device, PICKING, HEADS))


def load_for(
    model: PathLike, device: str, task: str, *heads: tuple[str, ...]
) -> tuple[nn.Module, ModelCard]:
    """The network of a model for a task, on its device, and the card.

    Parameters
    ----------
    model
        Path, or the name of a shipped model.
    device
        As torch names it, such as cpu or cuda:0; auto: a GPU if there is one.
    task
        What it must be for.
    heads
        Meanings that its output may have.

    Raises
    ------
    InputError
        If the file is missing.
    ModelError
        If it is not a model of this kind.
    ParameterError
        If there is no such device.
    """
    path = model_path(str(model))
    card = read_card(path)
    card.check_task(task)
    if card.network.heads not in heads:
        raise ModelError(
            f"expected a model for {task} with the heads {', '.join(heads[0])}, found "
            f"{', '.join(card.network.heads)} in {path}: choose another model"
        )
    network, card = load_network(path)
    return on_device(network, device), card


def on_device(network: nn.Module, device: str) -> nn.Module:
    """A network on a device, named as torch does or auto: a GPU if there is one.

    Raises
    ------
    ParameterError
        If there is no such device.
    """
    try:
        return network.to(best_device(device))
    except RuntimeError as error:
        raise ParameterError(
            f"expected device to be auto, cpu or a GPU of this machine such as cuda:0, got "
            f"{device}: {str(error).splitlines()[0]}"
        ) from error
