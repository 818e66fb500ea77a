# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment train`."""

from __future__ import annotations

import logging
from pathlib import Path

from cryosegment.cli.devices import choose_devices, use_threads
from cryosegment.cli.outcome import Outcome
from cryosegment.cli.processes import is_launched, joined, launch
from cryosegment.cli.progress import LOG_FORMAT, show_progress
from cryosegment.core.training.train import train
from cryosegment.exchange.card import read_card
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import TrainParams
from cryosegment.exchange.progress import Progress, no_progress
from cryosegment.exchange.wording import counted


def run_train(job: Job, params: TrainParams, progress: Progress) -> Outcome:
    """Train a model on the labels of one or more folders."""
    output = Path(job.output)
    folders = [Path(folder) for folder in job.inputs]
    if is_launched():
        with joined(params.gpu) as (device, ranks):
            told = progress if ranks.is_first else no_progress
            train(folders, output, params, device, told, ranks)
        return _outcome(output, device) if ranks.is_first else Outcome()
    devices = choose_devices(params.gpu)
    if len(devices) > 1:
        launch(len(devices), train_together, job, params)
    else:
        train(folders, output, params, devices[0], progress)
    return _outcome(output, ", ".join(devices))


def _outcome(output: Path, device: str) -> Outcome:
    provenance = read_card(output).provenance
    data, found = provenance.training_data[-1], provenance.metrics[-1]
    number = counted(data["micrographs"], "micrograph")
    made = f"trained on {number}, F1 {found['value']:.3f} on {found['data']}"
    return Outcome(made, device)


def train_together(job: Job, params: TrainParams) -> None:
    """Train as one of several processes of this machine."""
    logging.basicConfig(format=LOG_FORMAT)
    use_threads(params.threads)
    with show_progress() as progress:
        run_train(job, params, progress)
