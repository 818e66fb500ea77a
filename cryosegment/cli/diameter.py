# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment diameter`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from cryosegment.cli.devices import choose_device
from cryosegment.cli.outcome import Outcome
from cryosegment.cli.targets import DIAMETER_NAME
from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.models.model import load_model
from cryosegment.core.pipeline.diameter import climb, estimate_diameter
from cryosegment.exchange.files import write_text
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import DiameterParams
from cryosegment.exchange.progress import Progress


def run_diameter(job: Job, params: DiameterParams, progress: Progress) -> Outcome:
    """Estimate the particle diameter; print it or JSON, and write the latter on request."""
    model = load_model(params.model, choose_device(params.gpu))
    count = min(params.count, len(job.inputs))
    ladders = []
    for i in np.linspace(0, len(job.inputs) - 1, count).round().astype(int):
        micrograph = read_micrograph(job.inputs[i], params.pixel_size, job.names[i])
        ladders.append(list(climb(micrograph, model)))
        progress(len(ladders), count, job.names[i])
    found = estimate_diameter(ladders)
    text = json.dumps({name: round(value, 1) for name, value in asdict(found).items()})
    if job.output:
        write_text(Path(job.output) / DIAMETER_NAME, text)
    if params.json:
        print(text)
    else:
        print(f"diameter {found.diameter:.0f} Å, from {found.low:.0f} to {found.high:.0f} Å")
    return Outcome()
