# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment tune`."""

from __future__ import annotations

from pathlib import Path

from cryosegment.cli.devices import choose_device
from cryosegment.cli.outcome import Outcome
from cryosegment.core.tuning.pick_model import tune_picking
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import TuneParams
from cryosegment.exchange.progress import Progress


def run_tune(job: Job, params: TuneParams, progress: Progress) -> Outcome:
    """Search the best picking parameters, and write them in the card of a model."""
    output = Path(job.output)
    device = choose_device(params.gpu)
    result = tune_picking([Path(folder) for folder in job.inputs], output, params, device, progress)
    print(result)
    return Outcome("model with the best parameters written", device)
