# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment merge`."""

from __future__ import annotations

import shutil
from collections.abc import Container
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

import numpy as np

from cryosegment.cli.batches import report_failures
from cryosegment.cli.locks import locked
from cryosegment.cli.outcome import Outcome
from cryosegment.exchange.card import read_card
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.exchange.merging import gather, open_shards
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import MergeParams, PickParams
from cryosegment.exchange.pick_summary import odd_micrographs
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.settling import Redraw, Settled, settle
from cryosegment.exchange.shards import SHARDS, find_shards
from cryosegment.exchange.wording import counted


def run_merge(job: Job, params: MergeParams, progress: Progress) -> Outcome:
    """Bring the shards of a picking run under one threshold, as one run would have."""
    if len(job.inputs) != 1:
        raise InputError(f"expected one folder of a picking run, got {len(job.inputs)}: give one")
    output = Path(job.inputs[0])
    folders = [output, *(shard.folder(output) for shard in find_shards(output))]
    with ExitStack() as locks:
        for folder in folders:
            locks.enter_context(locked(folder / JOB_NAME, str(folder)))
        shards = open_shards(output)
        names, whole = shards.job.names, record_from_dict(PickParams, shards.job.params)
        gather(output, shards.parts, names)
        failed = report_failures(output, shards.failures, len(names))
        settled = settle_gathered(shards.job, whole, shards.failures)
        shards.job.write(output / JOB_NAME)
        shutil.rmtree(output / SHARDS)
    print(settled, *odd_micrographs(settled.summaries), sep="\n")
    made = f"{counted(len(names), 'micrograph')}, {counted(settled.picks, 'pick')}"
    counts = {"micrographs": len(names), "picks": settled.picks}
    return Outcome(made, failed=failed, counts=counts)


def settle_gathered(job: Job, params: PickParams, failures: Container[str]) -> Settled:
    """Bring the micrographs of a run that were picked in parts, and have not failed, in line."""
    output, files = Path(job.output), zip(job.names, job.inputs, strict=True)
    card = read_card(model_path(params.model))

    @lru_cache(maxsize=1)
    def redrawing_now() -> Redraw:
        from cryosegment.core.pipeline.settling import redrawing  # torch takes seconds to load

        return redrawing(card, params, output)

    def redraw(file: Path, found: Coordinates, is_chosen: np.ndarray, differs: bool) -> None:
        if params.masks or params.overlays:
            redrawing_now()(file, found, is_chosen, differs)

    good = [(name, Path(path)) for name, path in files if name not in failures]
    return settle(good, card, params, output, redraw)
