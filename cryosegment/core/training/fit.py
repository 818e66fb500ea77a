# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: AdamW, one cycle, averaged weights, the best kept, resumable."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from cryosegment.core.training.losses import PickingLoss, total
from cryosegment.core.training.state import (
    Progress,
    load_best,
    load_state,
    save_best,
    save_state,
)
from cryosegment.core.training.targets import Targets
from cryosegment.exchange.errors import ParameterError

Batch = tuple[Float[Tensor, "b 1 h w"], Targets]
DrawBatch = Callable[[int], Batch]
"""The batch of a step: a pure function of the step, so that a resumed run sees the same data."""

WARMUP = 0.1
"""Share of the training in which the learning rate rises."""
CLIP_NORM = 1.0
"""Gradients are scaled down to this norm: one strange patch must not undo the rest."""
WEIGHT_DECAY = 1e-4
ENDLESS = 10**9
"""Steps of a training that time ends."""


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
    loss
        What is minimised.
    """

    steps: int | None
    minutes: float | None
    learning_rate: float = 2e-3
    validations: int = 10
    averaging: float = 0.998
    workers: int = 0
    device: str = "cpu"
    loss: PickingLoss = field(default_factory=PickingLoss)

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
    """Train until the steps or the minutes are used up; at once where they are already.

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
        State of this training, written at each validation; resumed from where it exists. The
        best network stands beside it.
    report
        Called after every step with the progress and the share done, in [0, 1].

    Returns
    -------
    The best network by validation, and the progress.

    Raises
    ------
    ParameterError
        If the loss is not finite; state and best network stay as the last validation left them.
    ModelError
        If the state is damaged or of another network.
    InputError
        If the state cannot be written.
    """
    run = _Run(network, settings, state_path)
    if not run.progress.history:
        run.validate(validate, {})
    batches = _batches(draw_batch, run.progress.step, settings)
    while run.share < 1:
        due = _next_validation(run.share, settings.validations)
        terms = run.step(next(batches))
        if run.share >= due:
            run.validate(validate, terms)
            run.save()
        report(run.progress, min(run.share, 1.0))
    load_best(run.best_path, run.average)
    return run.average, run.progress


class _Run:
    """A training under way: everything that changes with its steps."""

    def __init__(self, network: nn.Module, settings: FitSettings, state_path: Path) -> None:
        self._settings = settings
        self._state_path = state_path
        self.best_path = state_path.with_suffix(".best.safetensors")
        self._network = network.to(settings.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=WEIGHT_DECAY
        )
        self.progress = Progress()
        if state_path.exists():
            self.progress = load_state(state_path, network, self.average, self._optimizer)
        self._started = time.monotonic() - self.progress.seconds

    @property
    def share(self) -> float:
        """How much of the training is done, by steps or by time, whichever is further."""
        steps, minutes = self._settings.steps, self._settings.minutes
        by_step = 0.0 if steps is None else self.progress.step / steps
        by_time = 0.0 if minutes is None else self.progress.seconds / (60 * minutes)
        return max(by_step, by_time)

    def step(self, batch: Batch) -> dict[str, float]:
        """One optimiser step; the loss by head."""
        image, targets = batch
        for group in self._optimizer.param_groups:
            group["lr"] = _learning_rate(self.share, self._settings.learning_rate)
        with torch.autocast(image.device.type, torch.bfloat16, enabled=image.is_cuda):
            logits = self._network(image)
        terms = self._settings.loss(logits, targets)
        loss = total(terms)
        if not torch.isfinite(loss):
            raise ParameterError(
                f"expected a finite loss, got {loss.item()} in step {self.progress.step + 1}: "
                "lower the learning rate and resume from the last validation"
            )
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), CLIP_NORM)
        self._optimizer.step()
        self.progress.step += 1
        self._update_average()
        self.progress.seconds = time.monotonic() - self._started
        return {name: float(value.detach()) for name, value in terms.items()}

    def _update_average(self) -> None:
        """Average the weights, over fewer steps at the start, when they change fast."""
        steps = self.progress.step
        keep = min(self._settings.averaging, (1 + steps) / (10 + steps))
        weights = self._network.state_dict()
        with torch.no_grad():
            for name, mean in self.average.state_dict().items():
                mean.lerp_(weights[name], 1 - keep)

    def validate(
        self, validate: Callable[[nn.Module], Validation], terms: dict[str, float]
    ) -> None:
        """Score the averaged network; keep it where it is the best so far."""
        found = validate(self.average)
        progress = self.progress
        progress.seconds = time.monotonic() - self._started
        row = {"step": float(progress.step), "seconds": progress.seconds, **terms}
        progress.history.append({**row, "score": found.score, "threshold": found.threshold})
        if found.score > progress.best_score:
            progress.best_score, progress.best_threshold = found.score, found.threshold
            save_best(self.best_path, self.average)

    def save(self) -> None:
        """Write the state."""
        save_state(self._state_path, self._network, self.average, self._optimizer, self.progress)


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
    """The batches from step `first` on, on the device."""
    last = ENDLESS if settings.steps is None else settings.steps
    steps = _Steps(draw_batch, first, last)
    loader = DataLoader(steps, batch_size=None, shuffle=False, num_workers=settings.workers)
    for image, targets in loader:
        moved = targets.map(lambda tensor: tensor.to(settings.device, non_blocking=True))
        yield image.to(settings.device, memory_format=torch.channels_last), moved


def _next_validation(share: float, validations: int) -> float:
    """The share at which the network is validated next; the last is at the end."""
    return min((math.floor(share * validations + 1e-9) + 1) / validations, 1.0)


def _learning_rate(share: float, peak: float) -> float:
    """One cycle: linear warm-up, then half a cosine (Smith, 2018)."""
    if share < WARMUP:
        return peak * (0.04 + 0.96 * share / WARMUP)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (share - WARMUP) / (1 - WARMUP))))
