# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment crf` and `cryosegment crf tune`."""

from __future__ import annotations

from pathlib import Path

from cryosegment.cli.batches import report_failures, run_each
from cryosegment.cli.devices import choose_device
from cryosegment.cli.outcome import Outcome
from cryosegment.core.pipeline.saved_maps import find_maps, refine_map
from cryosegment.core.tuning.crf_model import tune_model
from cryosegment.exchange.files import check_names
from cryosegment.exchange.finished import Finished, check_others
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import CrfMapsParams, CrfTuneParams
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import counted


def run_crf(job: Job, params: CrfMapsParams, progress: Progress) -> Outcome:
    """Refine saved probability maps; those that fail are listed and the rest go on."""
    maps = find_maps([Path(folder) for folder in job.inputs])
    check_names(item.name for item in maps)
    output, device = Path(job.output), choose_device(params.gpu)
    if not params.resume:
        check_others(output, [item.name for item in maps])
    finished = Finished(output, params, params.resume)
    failures = run_each(
        [item.name for item in maps],
        lambda i: refine_map(maps[i], output, params, device, finished),
        progress,
    )
    failed = report_failures(output, failures, len(maps))
    return Outcome(counted(len(maps), "map"), device, failed)


def run_crf_tune(job: Job, params: CrfTuneParams, progress: Progress) -> Outcome:
    """Search the CRF that gives the best masks, and write it in the card of a model."""
    output = Path(job.output)
    device = choose_device(params.gpu)
    result = tune_model([Path(folder) for folder in job.inputs], output, params, device, progress)
    print(result)
    return Outcome(f"{counted(params.trials, 'CRF')} tried", device)
