# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves and progress of a running training, beside its model."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from cryosegment.core.training.fit.pictures import keep_picture
from cryosegment.core.training.fit.state import TrainingProgress
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.training_history import write_history

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

SCALARS = ".tensorboard"
"""Suffix of the folder, instead of the model's."""
PARTS = 1000
"""Parts of a training in which progress is reported."""


class Curves:
    """Curves and progress of a training.

    `.history.csv` has a row for each validation. Where the tensorboard package is installed,
    the folder `.tensorboard` has the same for TensorBoard. Of the pictures of validations, where
    the training draws any, smaller ones are kept.

    Parameters
    ----------
    output
        Model file.
    score
        What the score of a validation is.
    progress
        Called after every step.
    """

    def __init__(self, output: Path, score: str, progress: Progress) -> None:
        self._output = output
        self._scalars = output.with_suffix(SCALARS)
        self._score = score
        self._progress = progress
        self._written: int | None = None
        self._writer: SummaryWriter | None = None

    def __call__(self, state: TrainingProgress, share: float) -> None:
        """Write new validations, and report the step."""
        self.write(state)
        last = state.history[-1]
        text = f"step {state.step}, {self._score} {last['score']:.3f}"
        self._progress(round(PARTS * share), PARTS, text)

    def write(self, state: TrainingProgress) -> None:
        """Write new validations."""
        rows = state.history
        if self._written == len(rows):
            return
        write_history(self._output, rows)
        keep_picture(self._output, [int(row["step"]) for row in rows])
        if importlib.util.find_spec("tensorboard"):
            self._add_scalars(rows)
        self._written = len(rows)

    def close(self) -> None:
        """Close the files."""
        if self._writer is not None:
            self._writer.close()

    def _add_scalars(self, rows: list[dict[str, float]]) -> None:
        """The rows since the last call; at first all, in place of those of an earlier run."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._scalars), purge_step=0)
        for row in rows[self._written or 0 :]:
            for name, value in row.items():
                if name != "step":
                    self._writer.add_scalar(name, value, int(row["step"]))
        self._writer.flush()
