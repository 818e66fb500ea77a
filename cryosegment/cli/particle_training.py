# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment train particles`."""

from __future__ import annotations

from pathlib import Path

from cryosegment.cli.devices import choose_device
from cryosegment.cli.outcome import Outcome
from cryosegment.core.particles.train import train_particles
from cryosegment.exchange.card import read_card
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import TrainParticlesParams
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import counted


def run_train_particles(job: Job, params: TrainParticlesParams, progress: Progress) -> Outcome:
    """Train a model of particle images on the masks of one or more folders."""
    output, device = Path(job.output), choose_device(params.gpu)
    train_particles([Path(folder) for folder in job.inputs], output, params, device, progress)
    provenance = read_card(output).provenance
    data, found = provenance.training_data[-1], provenance.metrics[-1]
    particles = counted(data["particles"], "particle")
    made = f"trained on {particles}, mean IoU {found['value']:.3f} on {found['data']}"
    return Outcome(made, device)
