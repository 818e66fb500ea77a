# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment pick`."""

from __future__ import annotations

from pathlib import Path

from cryosegment.cli.batches import report_failures
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.progress import Progress


def run_pick(job: Job, params: PickParams, progress: Progress) -> None:
    """Pick particles on micrographs; those that fail are listed and the rest go on."""
    from cryosegment.core.pipeline import pick_micrographs

    output = Path(job.output)
    paths = [Path(path) for path in job.inputs]
    failures = pick_micrographs(paths, job.names, params, output, progress)
    report_failures(output, failures, len(paths))
