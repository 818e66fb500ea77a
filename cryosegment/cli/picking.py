# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment pick`."""

from __future__ import annotations

from pathlib import Path

from cryosegment.cli.batches import report_failures
from cryosegment.cli.devices import choose_device, choose_devices
from cryosegment.cli.merging import settle_gathered
from cryosegment.cli.outcome import Outcome, picked_in_words
from cryosegment.cli.workers import devices_of_workers, pick_by_workers
from cryosegment.exchange.finished import Finished
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import PickFolder
from cryosegment.exchange.pick_summary import odd_micrographs
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.shards import parse_shard


def run_pick(job: Job, params: PickParams, progress: Progress) -> Outcome:
    """Pick particles on micrographs; those that fail are listed and the rest go on."""
    if _is_finished(job, params):
        return _settled(job, params, {}, "")
    from cryosegment.cli.picking_here import pick_here  # torch takes seconds to load

    if params.shard:
        device, own = choose_device(params.gpu), parse_shard(params.shard).own(job.names)
        return pick_here(job, params, device, own, progress)
    devices = devices_of_workers(choose_devices(params.gpu), params.workers)
    if len(devices) == 1:
        return pick_here(job, params, devices[0], job.names, progress)
    failures = pick_by_workers(job, params, devices, progress)
    return _settled(job, params, failures, " and ".join(dict.fromkeys(devices)))


def _is_finished(job: Job, params: PickParams) -> bool:
    """Whether all that is left is to settle the threshold once more."""
    if not params.resume or params.shard or params.decoys or params.exclude:
        return False
    finished, known = Finished(job.output, params, True), PickFolder(job.output).summaries()
    files = [(name, Path(file)) for name, file in zip(job.names, job.inputs, strict=True)]
    return not finished.waiting(files, known)


def _settled(job: Job, params: PickParams, failures: dict[str, str], device: str) -> Outcome:
    """Bring all micrographs, which are picked or have failed, under one threshold."""
    failed = report_failures(Path(job.output), failures, len(job.names))
    settled = settle_gathered(job, params, failures)
    print(settled, *odd_micrographs(settled.summaries), sep="\n")
    sizes = [row.pixel_size for row in settled.summaries]
    made = picked_in_words(len(job.names), settled.picks, (min(sizes), max(sizes)))
    counts = {"micrographs": len(job.names), "picks": settled.picks}
    return Outcome(made, device, failed, counts)
