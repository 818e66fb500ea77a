# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment simulate`."""

from __future__ import annotations

from pathlib import Path

from cryosegment.cli.devices import choose_device
from cryosegment.cli.outcome import Outcome
from cryosegment.core.simulation.writer import write_simulation
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import SimulateParams
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import counted


def run_simulate(job: Job, params: SimulateParams, progress: Progress) -> Outcome:
    """Simulate micrographs, with their truth as a labels folder."""
    device = choose_device(params.gpu)
    index = write_simulation(Path(job.output), params, device, progress)
    size = f"{'up to ' if len(params.molecule) > 1 else ''}{index.entries[0].diameter:.0f} Å"
    made = f"{counted(len(index.entries), 'micrograph')} of particles of {size}"
    return Outcome(made, device)
