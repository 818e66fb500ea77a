# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an interrupted training: safetensors and JSON, no pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from cryosegment.exchange.errors import ModelError
from cryosegment.exchange.files import atomic_path


@dataclass
class Progress:
    """How far a training has come.

    Parameters
    ----------
    step
        Steps done.
    seconds
        Time spent in all runs.
    best_score
        Best validation score so far.
    best_threshold
        Score threshold that reached it.
    history
        One row per validation: step, seconds, loss terms, score, threshold.
    """

    step: int = 0
    seconds: float = 0.0
    best_score: float = -1.0
    best_threshold: float = 0.5
    history: list[dict[str, float]] = field(default_factory=list)


def save_state(
    path: Path,
    network: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Write everything that a resumed training needs."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in moments.items()}
    contiguous = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(contiguous, temporary, metadata={"progress": json.dumps(asdict(progress))})


def load_state(
    path: Path, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
) -> Progress:
    """Restore what `save_state` wrote into the given objects.

    Raises
    ------
    ModelError
        If the state is of another network.
    """
    with safe_open(path, framework="pt") as file:
        progress = Progress(**json.loads(file.metadata()["progress"]))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    try:
        network.load_state_dict(_under("network.", tensors))
        average.load_state_dict(_under("average.", tensors))
    except RuntimeError as error:
        raise ModelError(
            f"expected the state of this network in {path}, found another: remove it, or resume "
            "with the same arguments"
        ) from error
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimizer.", tensors).items():
        index, moment = name.split(".")
        moments.setdefault(int(index), {})[moment] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return progress


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
