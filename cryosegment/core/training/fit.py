# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: AdamW, one cycle, averaged weights, the best kept, resumable."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from cryosegment.core.training.losses import picking_loss, total
from cryosegment.core.training.state import Progress, load_state, save_state
from cryosegment.core.training.targets import Targets
from cryosegment.exchange.errors import ParameterError

Batch = tuple[Float[Tensor, "b 1 h w"], Targets]
DrawBatch = Callable[[int], Batch]
"""The batch of a step: a pure function of the step, so that a resumed run sees the same data."""

WARMUP = 0.1
CLIP_NORM = 1.0


@dataclass(frozen=True)
class Validation:
    """How good a network is: a score to maximise, and the threshold that reaches it."""

    score: float
    threshold: float


@dataclass(frozen=True)
class FitSettings:
    """How long and how fast to train.

    Parameters
    ----------
    steps
        Optimiser steps; None where time alone decides.
    minutes
        Wall-clock limit; None where steps alone decide.
    learning_rate
        Peak of the cycle.
    validations
        How often the network is validated, evenly spread.
    averaging
        Decay of the exponential average of the weights.
    workers
        Processes that prepare batches.
    device
        Where the network is trained.
    """

    steps: int | None
    minutes: float | None
    learning_rate: float = 2e-3
    validations: int = 10
    averaging: float = 0.998
    workers: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise ParameterError("expected steps or minutes, found neither: say how long to train")


def fit(
    network: nn.Module,
    draw_batch: DrawBatch,
    validate: Callable[[nn.Module], Validation],
    settings: FitSettings,
    state_path: Path,
    report: Callable[[Progress, float], None],
) -> tuple[nn.Module, Progress]:
    """Train until the steps or the minutes are used up.

    Parameters
    ----------
    network
        Where to start; changed in place.
    draw_batch
        The batch of a step.
    validate
        Scores a network; also called on the start, so that nothing worse is ever returned.
    settings
        How long and how fast.
    state_path
        State of this training; resumed from where it exists.
    report
        Called after every step with the progress and the share done, in [0, 1].

    Returns
    -------
    The best network by validation, and the progress.
    """
    network.to(settings.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=1e-4
    )
    best_path = state_path.with_suffix(".best.safetensors")
    if state_path.exists():
        progress = load_state(state_path, network, average, optimizer)
    else:
        progress = Progress()
        _validate(average, validate, progress, {}, best_path)
    started = time.monotonic() - progress.seconds
    due = _next_validation(_share(progress, settings), settings.validations)
    for image, targets in _batches(draw_batch, progress.step, settings):
        share = _share(progress, settings)
        terms = _step(network, average, optimizer, (image, targets), (share, settings))
        progress.step += 1
        progress.seconds = time.monotonic() - started
        share = _share(progress, settings)
        if share >= due or share >= 1:
            due = _next_validation(share, settings.validations)
            _validate(average, validate, progress, terms, best_path)
            save_state(state_path, network, average, optimizer, progress)
        report(progress, min(share, 1.0))
        if share >= 1:
            break
    return _best(average, best_path), progress


class _Steps(Dataset[Batch]):
    """Batches by step, for worker processes."""

    def __init__(self, draw_batch: DrawBatch, first: int, last: int) -> None:
        self._draw_batch = draw_batch
        self._first = first
        self._length = max(last - first, 0)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Batch:
        return self._draw_batch(self._first + index)


def _batches(draw_batch: DrawBatch, first: int, settings: FitSettings) -> Iterator[Batch]:
    last = 10**9 if settings.steps is None else settings.steps
    steps = _Steps(draw_batch, first, last)
    loader = DataLoader(steps, batch_size=None, shuffle=False, num_workers=settings.workers)
    for image, targets in loader:
        moved = targets.map(lambda tensor: tensor.to(settings.device, non_blocking=True))
        yield image.to(settings.device, memory_format=torch.channels_last), moved


def _share(progress: Progress, settings: FitSettings) -> float:
    """How much of the training is done, by steps or by time, whichever is further."""
    by_step = 0.0 if settings.steps is None else progress.step / settings.steps
    by_time = 0.0 if settings.minutes is None else progress.seconds / (60 * settings.minutes)
    return max(by_step, by_time)


def _next_validation(share: float, validations: int) -> float:
    return (math.floor(share * validations + 1e-9) + 1) / validations


def _learning_rate(share: float, peak: float) -> float:
    """One cycle: linear warm-up, then half a cosine (Smith, 2018)."""
    if share < WARMUP:
        return peak * (0.04 + 0.96 * share / WARMUP)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (share - WARMUP) / (1 - WARMUP))))


def _step(
    network: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    schedule: tuple[float, FitSettings],
) -> dict[str, float]:
    """One optimiser step; the loss by head."""
    share, settings = schedule
    image, targets = batch
    for group in optimizer.param_groups:
        group["lr"] = _learning_rate(min(share, 1.0), settings.learning_rate)
    with torch.autocast(image.device.type, torch.bfloat16, enabled=image.is_cuda):
        logits = network(image)
    terms = picking_loss(logits, targets)
    loss = total(terms)
    if not torch.isfinite(loss):
        raise ParameterError(
            "expected a finite loss, found NaN or infinity: lower the learning rate"
        )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
    optimizer.step()
    steps = optimizer.state[next(iter(network.parameters()))]["step"].item()
    keep = min(settings.averaging, (1 + steps) / (10 + steps))
    with torch.no_grad():
        for mean, value in zip(
            average.state_dict().values(), network.state_dict().values(), strict=True
        ):
            mean.lerp_(value, 1 - keep)
    return {name: float(value.detach()) for name, value in terms.items()}


def _validate(
    average: nn.Module,
    validate: Callable[[nn.Module], Validation],
    progress: Progress,
    terms: dict[str, float],
    best_path: Path,
) -> None:
    """Score the averaged network; keep it where it is the best so far."""
    found = validate(average)
    row = {"step": float(progress.step), "seconds": progress.seconds, **terms}
    progress.history.append({**row, "score": found.score, "threshold": found.threshold})
    if found.score > progress.best_score:
        progress.best_score, progress.best_threshold = found.score, found.threshold
        _keep(average, best_path)


def _keep(average: nn.Module, best_path: Path) -> None:
    from safetensors.torch import save_file

    from cryosegment.exchange.files import atomic_path

    tensors = {name: tensor.contiguous() for name, tensor in average.state_dict().items()}
    with atomic_path(best_path) as temporary:
        save_file(tensors, temporary)


def _best(average: nn.Module, best_path: Path) -> nn.Module:
    from safetensors.torch import load_file

    average.load_state_dict(load_file(best_path))
    return average
