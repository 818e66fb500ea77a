# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment diameter`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cryosegment.cli.devices import choose_device
from cryosegment.cli.outcome import Outcome
from cryosegment.core.images.micrograph import Micrograph, read_micrograph
from cryosegment.core.models.model import load_model
from cryosegment.core.pipeline.diameter import climb, estimate_diameter
from cryosegment.core.pipeline.micrograph import pick_micrograph
from cryosegment.exchange.coordinates import write_coordinates
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import NO_CRF, DiameterParams, PickParams
from cryosegment.exchange.pick_folder import COORDINATES, PickFolder
from cryosegment.exchange.progress import Progress


def run_diameter(job: Job, params: DiameterParams, progress: Progress) -> Outcome:
    """Estimate the particle diameter; print it or JSON, and write it and its picks on request."""
    model = load_model(params.model, choose_device(params.gpu))
    count = min(params.count, len(job.inputs))
    looked_at = np.linspace(0, len(job.inputs) - 1, count).round().astype(int)
    total = 2 * count if job.output else count

    def read(i: int) -> Micrograph:
        return read_micrograph(job.inputs[i], params.pixel_size, job.names[i])

    ladders = []
    for done, i in enumerate(looked_at, start=1):
        ladders.append(list(climb(read(i), model)))
        progress(done, total, job.names[i])
    found = estimate_diameter(ladders)
    if job.output:
        pick = PickParams(diameter=found.diameter, crf=NO_CRF)
        folder = PickFolder(job.output)
        for done, i in enumerate(looked_at, start=count + 1):
            chosen = pick_micrograph(read(i), model, pick).chosen
            write_coordinates(folder.file(COORDINATES, chosen.name), chosen)
            progress(done, total, job.names[i])
        found.write(Path(job.output))
    print(found.to_json() if params.json else f"diameter {found}")
    return Outcome()
