# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment train`."""

from __future__ import annotations

from pathlib import Path

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import TrainParams
from cryosegment.exchange.progress import Progress

MODEL_SUFFIX = ".safetensors"


def run_train(job: Job, params: TrainParams, progress: Progress) -> None:
    """Train a model on the labels of one or more folders."""
    output = Path(job.output)
    if output.suffix != MODEL_SUFFIX:
        raise ParameterError(f"expected an output that ends in {MODEL_SUFFIX}, got {output.name}")
    from cryosegment.cli.devices import choose_devices
    from cryosegment.core.training.loop import train

    device = choose_devices(params.gpu)[0]
    train([Path(folder) for folder in job.inputs], output, params, device, progress)
