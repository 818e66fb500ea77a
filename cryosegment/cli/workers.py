# SPDX-License-Identifier: GPL-3.0-or-later
"""Picking by several processes on this machine, each on a GPU or some cores of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from cryosegment.cli.locks import locked
from cryosegment.cli.run_log import VARIABLE
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.finished import Finished
from cryosegment.exchange.job import Job
from cryosegment.exchange.merging import finished_rows, gather, unfinished
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import SUFFIXES, PickFolder
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.shards import SHARDS, Shard, shard_folders

LOG_NAME = "log.txt"
"""What a worker says, in its folder."""
INTERVAL = 1.0
"""Seconds between two looks at what the workers have finished."""


def devices_of_workers(devices: Sequence[str], workers: int) -> list[str]:
    """A device for each worker: at least one on each, and more in turn."""
    return [devices[i % len(devices)] for i in range(max(len(devices), workers))]


def pick_by_workers(
    job: Job, params: PickParams, devices: Sequence[str], progress: Progress
) -> dict[str, str]:
    """Pick what is not finished, a shard of it on each device; why micrographs failed, by name.

    All that they pick is then in the output, under a threshold of each micrograph alone.

    Raises
    ------
    InputError
        If workers of an earlier run are at work yet.
    CryoSegmentError
        If a worker stops.
    """
    output, files = Path(job.output), dict(zip(job.names, job.inputs, strict=True))
    _take_over(output, job.names, params.resume)
    finished = Finished(output, params, params.resume)
    known = PickFolder(output).summaries() if params.resume else {}
    waiting = finished.waiting([(name, Path(file)) for name, file in files.items()], known)
    shards = [Shard(len(devices), i + 1) for i in range(len(devices))]
    parts = [PickFolder(shard.folder(output)) for shard in shards]
    names = [name for name, _ in waiting]
    for shard, part, device in zip(shards, parts, devices, strict=True):
        _job_of(shard, part, device, params, waiting).write(part.job)
    _run_all(parts, len(job.names) - len(names), len(job.names), progress)
    failures = {name: text for part in parts for name, text in read_failures(part.path).items()}
    for shard, part in zip(shards, parts, strict=True):
        if unfinished(shard, part, names):
            raise CryoSegmentError(f"worker {shard} stopped: {_last_words(part)}")
    if len(failures) < len(job.names):
        for name in failures:
            PickFolder(output).remove(name, SUFFIXES)
        gather(output, parts, job.names, params.resume)
    shutil.rmtree(output / SHARDS)
    return failures


def _take_over(output: Path, names: Sequence[str], is_resumed: bool) -> None:
    """Gather what the workers of a run that was killed have left; without resuming, remove it."""
    parts = [PickFolder(path) for path in shard_folders(output)]
    with ExitStack() as locks:  # they may be at work yet
        for part in parts:
            locks.enter_context(locked(part.job, str(part.path)))
        if is_resumed:
            gather(output, parts, names, is_resumed)
    shutil.rmtree(output / SHARDS, ignore_errors=True)


def _job_of(
    shard: Shard,
    part: PickFolder,
    device: str,
    params: PickParams,
    micrographs: Sequence[tuple[str, Path]],
) -> Job:
    values = {
        **record_to_dict(params),
        "shard": str(shard),
        "gpu": device.removeprefix("cuda:"),
        "threads": params.threads or max(1, len(os.sched_getaffinity(0)) // shard.count),
        "workers": 1,
        "resume": False,
    }
    names, files = zip(*micrographs, strict=True) if micrographs else ((), ())
    return Job("pick", values, tuple(map(str, files)), str(part.path), names)


def _last_words(part: PickFolder) -> str:
    """The last line of what a worker has said."""
    lines = Path(part.path, LOG_NAME).read_text(encoding="utf-8").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _run_all(parts: Sequence[PickFolder], done: int, total: int, progress: Progress) -> None:
    """Run the jobs of all parts at the same time, until all have ended."""
    command = [sys.executable, "-m", "cryosegment", "run"]
    environ = {name: value for name, value in os.environ.items() if name != VARIABLE}
    processes = []
    try:
        for part in parts:
            with Path(part.path, LOG_NAME).open("wb") as log:
                words = [*command, str(part.job)]
                processes.append(subprocess.Popen(words, stdout=log, stderr=log, env=environ))
        shown, running = 0, list(processes)
        while running:
            with suppress(subprocess.TimeoutExpired):
                running[0].wait(INTERVAL)
                del running[0]
            rows = finished_rows(parts)
            if len(rows) > shown:
                shown = len(rows)
                progress(done + shown, total, rows[-1][0])
    finally:
        for process in processes:
            process.terminate()
            process.wait()
