# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment repick`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryosegment.cli.batches import report_failures, run_each
from cryosegment.cli.outcome import Outcome
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.finished import check_others
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import KEPT, RepickParams
from cryosegment.exchange.pick_folder import SUFFIXES
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.repicking import Repicking, open_repicking
from cryosegment.exchange.settling import settle
from cryosegment.exchange.wording import counted


def run_repick(job: Job, params: RepickParams, progress: Progress) -> Outcome:
    """Select other picks from the candidates of a picking run; those that fail are listed."""
    if len(job.inputs) != 1:
        raise InputError(f"expected one folder of a picking run, got {len(job.inputs)}: give one")
    output = Path(job.output)
    run = open_repicking(job.inputs[0], output, params)
    micrographs = run.micrographs
    check_others(output, micrographs)
    run.begin()
    names, redraw = list(micrographs), None
    take: Callable[[Repicking, str], object] = Repicking.take
    if params.masks or params.centers != KEPT:  # what needs torch, which takes seconds to load
        from cryosegment.core.pipeline.repicking import find_again, take_with_masks
        from cryosegment.core.pipeline.settling import redrawing

        redraw = redrawing(run.card, run.after, output)
        take = take_with_masks if params.centers == KEPT else find_again

    def process(i: int) -> None:
        take(run, names[i])

    failures = run_each(names, process, progress)
    for name in failures:
        run.target.remove(name, SUFFIXES)
    failed = report_failures(output, failures, len(names))
    good = [(name, path) for name, path in micrographs.items() if name not in failures]
    settled = settle(good, run.card, run.after, output, redraw)
    print(settled)
    made = f"{counted(len(names), 'micrograph')}, {counted(settled.picks, 'pick')}"
    counts = {"micrographs": len(names), "picks": settled.picks}
    return Outcome(made, failed=failed, counts=counts)
