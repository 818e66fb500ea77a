# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment pick`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from cryosegment.cli.batches import report_failures
from cryosegment.cli.devices import choose_device
from cryosegment.cli.outcome import Outcome, counted
from cryosegment.core.models.model import Model, load_model
from cryosegment.core.pipeline.batch import pick_micrographs
from cryosegment.exchange.job import Job
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.shards import parse_shard


@lru_cache(maxsize=1)
def _loaded(name: str, device: str, time: int) -> Model:
    """A model, which a process that runs several jobs loads once; `time` is that of its file."""
    return load_model(name, device)


def run_pick(job: Job, params: PickParams, progress: Progress) -> Outcome:
    """Pick particles on micrographs; those that fail are listed and the rest go on."""
    device = choose_device(params.gpu)
    file = model_path(params.model)
    model = _loaded(params.model, device, file.stat().st_mtime_ns if file.exists() else 0)
    output = Path(job.output)
    own = parse_shard(params.shard).own(job.names) if params.shard else set(job.names)
    files = zip(job.names, job.inputs, strict=True)
    micrographs = [(name, Path(path)) for name, path in files if name in own]
    picked = pick_micrographs(micrographs, model, params, output, progress)
    failed = report_failures(output, picked.failures, len(micrographs))
    print(*picked.notes, sep="\n")
    number, picks = counted(len(micrographs), "micrograph"), counted(picked.picks, "pick")
    sizes = " to ".join(dict.fromkeys(f"{size:.4g}" for size in picked.pixel_sizes))
    scale = f" (pixel size {sizes} Å/px)" if sizes else ""
    return Outcome(f"{number}{scale}, {picks}", device, failed)
