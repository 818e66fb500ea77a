# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment pick`."""

from __future__ import annotations

from pathlib import Path

from cryosegment.cli.batches import report_failures
from cryosegment.cli.devices import choose_device
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.progress import Progress


def run_pick(job: Job, params: PickParams, progress: Progress) -> int:
    """Pick particles on micrographs; those that fail are listed and the rest go on."""
    from cryosegment.core.batch import pick_micrographs
    from cryosegment.core.pipeline import load_model

    model = load_model(params.model, choose_device(params.gpu))
    output = Path(job.output)
    micrographs = [(name, Path(path)) for name, path in zip(job.names, job.inputs, strict=True)]
    failures = pick_micrographs(micrographs, model, params, output, progress)
    return report_failures(output, failures, len(micrographs))
