# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment pick`."""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import lru_cache
from pathlib import Path

from cryosegment.cli.batches import report_failures
from cryosegment.cli.devices import choose_device, choose_devices
from cryosegment.cli.merging import settle_gathered
from cryosegment.cli.outcome import Outcome, counted
from cryosegment.cli.workers import devices_of_workers, pick_by_workers
from cryosegment.core.models.model import Model, load_model
from cryosegment.core.pipeline.batch import pick_micrographs
from cryosegment.exchange.job import Job
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_summary import odd_micrographs
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.shards import parse_shard


@lru_cache(maxsize=1)
def _loaded(name: str, device: str, time: int) -> Model:
    """A model, which a process that runs several jobs loads once; `time` is that of its file."""
    return load_model(name, device)


def run_pick(job: Job, params: PickParams, progress: Progress) -> Outcome:
    """Pick particles on micrographs; those that fail are listed and the rest go on."""
    if params.shard:
        device, own = choose_device(params.gpu), parse_shard(params.shard).own(job.names)
        return _pick_here(job, params, device, own, progress)
    devices = devices_of_workers(choose_devices(params.gpu), params.workers)
    if len(devices) == 1:
        return _pick_here(job, params, devices[0], job.names, progress)
    failures = pick_by_workers(job, params, devices, progress)
    failed = report_failures(Path(job.output), failures, len(job.names))
    settled = settle_gathered(job, params, failures)
    print(settled, *odd_micrographs(settled.summaries), sep="\n")
    sizes = [row.pixel_size for row in settled.summaries]
    made = _made(len(job.names), settled.picks, (min(sizes), max(sizes)))
    return Outcome(made, " and ".join(dict.fromkeys(devices)), failed)


def _pick_here(
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
    return Outcome(_made(len(micrographs), picked.picks, picked.pixel_sizes), device, failed)


def _made(number: int, picks: int, pixel_sizes: Sequence[float]) -> str:
    """What was picked, in words."""
    sizes = " to ".join(dict.fromkeys(f"{size:.4g}" for size in pixel_sizes))
    scale = f" (pixel size {sizes} Å/px)" if sizes else ""
    return f"{counted(number, 'micrograph')}{scale}, {counted(picks, 'pick')}"
