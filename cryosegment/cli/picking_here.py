# SPDX-License-Identifier: GPL-3.0-or-later
"""Picking in this process."""

from __future__ import annotations

from collections.abc import Container
from functools import lru_cache
from pathlib import Path

from cryosegment.cli.batches import report_failures
from cryosegment.cli.outcome import Outcome, picked_in_words
from cryosegment.core.models.model import Model, load_model
from cryosegment.core.pipeline.batch import pick_micrographs
from cryosegment.exchange.job import Job
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.progress import Progress


@lru_cache(maxsize=1)
def _loaded(name: str, device: str, time: int) -> Model:
    """A model, which a process that runs several jobs loads once; `time` is that of its file."""
    return load_model(name, device)


def pick_here(
    job: Job, params: PickParams, device: str, own: Container[str], progress: Progress
) -> Outcome:
    """Pick some of the micrographs in this process."""
    file = model_path(params.model)
    model = _loaded(params.model, device, file.stat().st_mtime_ns if file.exists() else 0)
    files = zip(job.names, job.inputs, strict=True)
    micrographs = [(name, Path(path)) for name, path in files if name in own]
    output = Path(job.output)
    picked = pick_micrographs(micrographs, model, params, output, progress)
    failed = report_failures(output, picked.failures, len(micrographs))
    print(*picked.notes, sep="\n")
    made = picked_in_words(len(micrographs), picked.picks, picked.pixel_sizes)
    counts = {"micrographs": len(micrographs), "picks": picked.picks}
    return Outcome(made, device, failed, counts)
