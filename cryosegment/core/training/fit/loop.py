# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: AdamW, averaged weights, the best kept, resumable."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from cryosegment.core.training.fit.batches import Batch, DrawBatch, batches
from cryosegment.core.training.fit.objective import Targets, total
from cryosegment.core.training.fit.schedule import has_stalled, learning_rate, next_validation
from cryosegment.core.training.fit.settings import FitSettings, Validation
from cryosegment.core.training.fit.state import (
    TrainingProgress,
    load_best,
    load_state,
    save_best,
    save_state,
)
from cryosegment.exchange.errors import InputError, ModelError, ParameterError

logger = logging.getLogger(__name__)

CLIP_NORM = 1.0
"""Largest norm of gradients, to which larger ones are scaled, against outliers."""
WEIGHT_DECAY = 1e-4


def fit(
    network: nn.Module,
    draw_batch: DrawBatch,
    validate: Callable[[nn.Module], Validation],
    settings: FitSettings,
    state_path: Path,
    report: Callable[[TrainingProgress, float], None],
) -> tuple[nn.Module, TrainingProgress]:
    """Train until steps or minutes are used up, or the score stalls.

    Parameters
    ----------
    network
        Network to train; changed in place.
    draw_batch
        The batch of a step.
    validate
        Scores a network; also called on the start, so that nothing worse is ever returned.
    settings
        Settings of the training.
    state_path
        State of this training, written at each validation; if it exists, training resumes from
        it. The best network is written beside it.
    report
        Called after every step with the progress and the fraction that is done, in [0, 1].

    Returns
    -------
    The best network by validation (in the first process), and the progress.

    Raises
    ------
    ParameterError
        If the loss is not finite; state and best network of the last validation are kept.
    ModelError
        If the state is damaged, or of another network or other labels.
    InputError
        If the state cannot be written, or the GPU's memory is too small for half a batch.
    """
    run = _Run(network, settings, state_path)
    if not run.progress.history:
        run.validate(validate, {})
    if not run.is_finished:
        drawn = batches(
            draw_batch, run.progress.step, settings.steps, settings.workers, settings.device
        )
        batch = next(drawn)
    while not run.is_finished:
        due = next_validation(run.share, settings.validations)
        losses = run.step(batch)
        batch = next(drawn, batch)  # while a GPU is still at work
        terms = run.finish(losses)
        if run.share >= due:
            run.validate(validate, terms)
            run.save()
        if settings.ranks.is_first:
            report(run.progress, 1.0 if run.is_finished else run.share)
    if settings.ranks.is_first:
        load_best(run.best_path, run.average)
    return run.average, run.progress


class _Run:
    """A running training: everything that changes with its steps."""

    def __init__(self, network: nn.Module, settings: FitSettings, state_path: Path) -> None:
        self._settings = settings
        self._ranks = settings.ranks
        self._state_path = state_path
        self.best_path = state_path.with_suffix(".best.safetensors")
        self._network = network.to(settings.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=WEIGHT_DECAY
        )
        self.progress = TrainingProgress(labels=settings.labels)
        if state_path.exists():
            self.progress = load_state(state_path, network, self.average, self._optimizer)
        if self.progress.labels != settings.labels:
            raise ModelError(
                f"expected the labels and parameters of the training in {state_path}, found "
                "others: train without resume, or give another output"
            )
        self._predict = self._ranks.wrap(network)
        self._started = time.monotonic() - self.progress.seconds

    @property
    def share(self) -> float:
        """How much of the training is done, by steps or by time, whichever is further."""
        steps, minutes = self._settings.steps, self._settings.minutes
        by_step = 0.0 if steps is None else self.progress.step / steps
        by_time = 0.0 if minutes is None else self.progress.seconds / (60 * minutes)
        return max(by_step, by_time)

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to do."""
        scores = [row["score"] for row in self.progress.history]
        return self.share >= 1 or has_stalled(scores, self._settings.patience)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One optimiser step; terms of the loss and gradient, which a GPU may still be working on.

        Where its memory is exhausted, this and all later steps take the first half of the batch.
        """
        if self.progress.is_halved:
            batch = _half(batch)
        try:
            return self._step(batch)
        except torch.cuda.OutOfMemoryError as error:
            if self.progress.is_halved or len(batch[0]) < 2 or self._ranks.count > 1:
                raise _memory_error(batch[0], error) from error
        logger.warning("too little GPU memory for a batch of %d: going on with half", len(batch[0]))
        self.progress.is_halved = True
        self._optimizer.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        return self.step(batch)

    def _step(self, batch: Batch) -> dict[str, Tensor]:
        image, targets = batch
        if self.share >= self._settings.moving_statistics:
            _freeze_statistics(self._network)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(
                self._settings.schedule, self.share, self._settings.learning_rate
            )
        half = image.is_cuda or self._settings.bfloat16
        with torch.autocast(image.device.type, torch.bfloat16, enabled=half):
            logits = self._predict(image)
        losses = self._settings.loss(
            self._ranks.gather(logits.float()), targets.map(self._ranks.gather)
        )
        self._optimizer.zero_grad(set_to_none=True)
        (self._ranks.count * total(losses)).backward()  # the mean of the gradients becomes a sum
        gradient = nn.utils.clip_grad_norm_(self._network.parameters(), CLIP_NORM)
        self._optimizer.step()
        self.progress.step += 1
        self._update_average()
        return {**losses, "gradient": gradient}

    def finish(self, losses: dict[str, Tensor]) -> dict[str, float]:
        """Wait for a step; terms of the loss and norm of the gradient before it was clipped."""
        values = torch.stack([value.detach() for value in losses.values()])
        terms = dict(zip(losses, values.tolist(), strict=True))
        broken = [f"{name} {value}" for name, value in terms.items() if not math.isfinite(value)]
        if broken:
            raise ParameterError(
                f"expected a finite loss, got {', '.join(broken)} in step {self.progress.step}: "
                "lower the learning rate and resume from the last validation"
            )
        self._tick()
        return terms

    def _update_average(self) -> None:
        """Average weights and statistics, over fewer steps at the start, when they change fast."""
        steps = self.progress.step
        keep = min(self._settings.averaging, (1 + steps) / (10 + steps))
        weights = self._network.state_dict()
        with torch.no_grad():
            for name, mean in self.average.state_dict().items():
                if mean.is_floating_point():
                    mean.lerp_(weights[name], 1 - keep)

    def validate(
        self, validate: Callable[[nn.Module], Validation], terms: dict[str, float]
    ) -> None:
        """Score the averaged network; keep it where it is the best so far."""
        found = validate(self.average) if self._ranks.is_first else Validation(0.0)
        (score,) = self._ranks.from_first(found.score)
        self._tick()
        progress = self.progress
        row = {"step": float(progress.step), "seconds": progress.seconds, **terms}
        progress.history.append({**row, "score": score, **found.figures})
        if score > progress.best_score:
            progress.best_score, progress.best = score, dict(found.figures)
            if self._ranks.is_first:
                save_best(self.best_path, self.average)

    def _tick(self) -> None:
        """Tell the time, which is that of the first process."""
        (self.progress.seconds,) = self._ranks.from_first(time.monotonic() - self._started)

    def save(self) -> None:
        """Write the state."""
        if not self._ranks.is_first:
            return
        save_state(self._state_path, self._network, self.average, self._optimizer, self.progress)


def _freeze_statistics(network: nn.Module) -> None:
    """Let batch normalisations work as in prediction; their weights go on learning."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def _half(batch: Batch) -> tuple[Tensor, Targets]:
    """The first half of a batch."""
    image, targets = batch
    kept = len(image) // 2
    return image[:kept], targets.map(lambda tensor: tensor[:kept])


def _memory_error(image: Tensor, error: torch.cuda.OutOfMemoryError) -> InputError:
    """That not even half a batch fits."""
    number, _, height, width = image.shape
    said = str(error).split(" Of the allocated")[0]
    return InputError(
        f"expected a GPU with memory for {number} patches of {height} x {width} px, found too "
        f"little ({said}): give a smaller patch, a smaller batch, or another GPU"
    )
