# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches in the order of their steps, on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from cryosegment.core.training.fit.objective import Targets

Batch = tuple[Float[Tensor, "b 1 h w"], Targets]
DrawBatch = Callable[[int], Batch]
"""The batch of a step: a pure function of the step, so that a resumed run sees the same data."""

ENDLESS = 10**9
"""Number of steps of a training that is limited by time."""


def batches(
    draw_batch: DrawBatch, first: int, steps: int | None, workers: int, device: str
) -> Iterator[Batch]:
    """Batches from step `first` on, on the device.

    Parameters
    ----------
    draw_batch
        The batch of a step, on any device.
    first
        Step of the first batch.
    steps
        Last step; None for no end.
    workers
        Processes that draw batches; 0 draws them here.
    device
        Torch device of the batches.
    """
    drawn = _Steps(draw_batch, first, ENDLESS if steps is None else steps)
    loader = DataLoader(drawn, batch_size=None, shuffle=False, num_workers=workers)
    for image, targets in loader:
        moved = targets.map(lambda tensor: tensor.to(device, non_blocking=True))
        yield image.to(device, memory_format=torch.channels_last), moved


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
