# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an interrupted training: safetensors and JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from cryosegment.core.models.tensors import write_tensors
from cryosegment.core.training.fit.ranks import ALONE, Ranks
from cryosegment.exchange.errors import InputError, ModelError

STATE_SUFFIX = ".state.safetensors"
EARLIER = "best_threshold"
"""Where states of earlier versions have what was noted with the best score, a threshold alone."""


@dataclass
class TrainingProgress:
    """Progress of a training.

    Parameters
    ----------
    step
        Steps done.
    seconds
        Time spent in all runs.
    best_score
        Best validation score so far.
    best
        What was noted with it, by name.
    history
        One row per validation: step, seconds, loss terms, gradient, score and what was noted.
    is_halved
        Whether the memory of the GPU was enough for half the batch only.
    labels
        Fingerprint of the labels.
    """

    step: int = 0
    seconds: float = 0.0
    best_score: float = -1.0
    best: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    is_halved: bool = False
    labels: str = ""


def save_state(
    path: Path,
    network: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    progress: TrainingProgress,
) -> None:
    """Write everything that is needed to resume a training."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in moments.items()}
    write_tensors(path, tensors, {"progress": json.dumps(asdict(progress))})


def load_state(
    path: Path, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
) -> TrainingProgress:
    """Load a state written by `save_state` into the given objects.

    Raises
    ------
    ModelError
        If the state is damaged or of another network.
    """
    progress, tensors = _read(path)
    _load_weights(path, network, _under("network.", tensors))
    _load_weights(path, average, _under("average.", tensors))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimizer.", tensors).items():
        index, moment = name.split(".")
        moments.setdefault(int(index), {})[moment] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return progress


def load_average(path: Path, network: nn.Module) -> None:
    """Load the averaged weights of a state into a network.

    Raises
    ------
    ModelError
        If the state is damaged or of another network.
    """
    _load_weights(path, network, _under("average.", _read(path)[1]))


def relabel_state(path: Path, labels: str) -> int:
    """Let a training go on from its weights with something else to learn from.

    Its best score, which was on what it learned from until now, does not count any more.

    Parameters
    ----------
    path
        State of the training.
    labels
        Fingerprint of what is learned from now.

    Returns
    -------
    Its step.

    Raises
    ------
    ModelError
        If the state is damaged.
    """
    progress, tensors = _read(path)
    progress.labels, progress.best_score = labels, TrainingProgress.best_score
    write_tensors(path, tensors, {"progress": json.dumps(asdict(progress))})
    return progress.step


def remove_state(path: Path) -> None:
    """Remove the state of an earlier training, if there is one.

    Raises
    ------
    InputError
        If it is there and cannot be removed.
    """
    if not path.exists():
        return
    try:
        path.unlink()
    except OSError as error:
        raise InputError(
            f"cannot remove {path}: {error.strerror or error}; give another output"
        ) from error


def save_best(path: Path, network: nn.Module) -> None:
    """Write the weights of the best network so far, in full precision."""
    write_tensors(path, network.state_dict())


def load_best(path: Path, network: nn.Module) -> None:
    """Load weights written by `save_best` into a network.

    Raises
    ------
    ModelError
        If the file is missing, damaged or of another network.
    """
    try:
        tensors = load_file(path)
    except (FileNotFoundError, SafetensorError) as error:
        raise ModelError(
            f"expected the best network of this training in {path}, found none: train without "
            "resume"
        ) from error
    _load_weights(path, network, tensors)


def _read(path: Path) -> tuple[TrainingProgress, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            values = json.loads(file.metadata()["progress"])
            if EARLIER in values:
                values["best"] = {"threshold": values.pop(EARLIER)}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return TrainingProgress(**values), tensors
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"expected the state of a training in {path}, found a damaged or other file: remove "
            "it to start again"
        ) from error


def _load_weights(path: Path, network: nn.Module, tensors: dict[str, Tensor]) -> None:
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelError(
            f"expected the state of this network in {path}, found another: remove it, or resume "
            "with the same arguments"
        ) from error


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def check_resumed(output: Path, is_resumed: bool) -> None:
    """Check that the state is there if a finished training is to be resumed.

    Parameters
    ----------
    output
        Model file of the training.
    is_resumed
        Whether it is resumed.

    Raises
    ------
    InputError
        If the model is there without its state.
    """
    path = output.with_suffix(STATE_SUFFIX)
    if is_resumed and output.exists() and not path.exists():
        raise InputError(
            f"expected the state of the training of {output.name} in {path}, found none: leave out "
            "--resume to start again"
        )


def begin_state(output: Path, is_resumed: bool, ranks: Ranks = ALONE) -> Path:
    """Path of the state to resume from, which is removed if training starts again.

    Parameters
    ----------
    output
        Model file of the training.
    is_resumed
        Whether it goes on.
    ranks
        The processes that train together, all of which call this.
    """
    path = output.with_suffix(STATE_SUFFIX)
    if not is_resumed and ranks.is_first:
        remove_state(path)
    ranks.wait_for_first()
    return path
