# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment screen train` and `screen apply`."""

from __future__ import annotations

from pathlib import Path

from cryosegment.cli.batches import report_failures, run_each
from cryosegment.cli.devices import choose_device
from cryosegment.cli.outcome import Outcome
from cryosegment.core.models.model import load_model
from cryosegment.core.screening.apply import open_screening
from cryosegment.core.screening.model import load_screening_model
from cryosegment.core.screening.train import train_screening
from cryosegment.exchange.card import read_card
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import ScreenApplyParams, ScreenTrainParams
from cryosegment.exchange.params.screening import NONE
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import counted


def run_screen_apply(job: Job, params: ScreenApplyParams, progress: Progress) -> Outcome:
    """Screen the picks of micrographs; those that fail are listed and the rest go on."""
    device = choose_device(params.gpu)
    model = load_screening_model(params.model, device)
    micrographs = {name: Path(path) for name, path in zip(job.names, job.inputs, strict=True)}
    picker = None if params.picker == NONE else load_model(params.picker, device)
    run = open_screening(micrographs, model, picker, params, Path(job.output))
    failures = run_each(job.names, lambda i: run.screen(job.names[i]), progress)
    failed = report_failures(run.folder.path, failures, len(job.names))
    for name in failures:
        run.folder.remove(name)
    good = {name: path for name, path in micrographs.items() if name not in failures}
    kept = run.folder.keep(good, params.threshold)
    print(kept)
    if run.picks.elsewhere:
        names = counted(len(run.picks.elsewhere), "micrograph")
        print(f"picks of {names} that were not given are left out: {run.picks.elsewhere[0]} ...")
    number, picks = counted(len(good), "micrograph"), counted(sum(kept.counts.values()), "pick")
    return Outcome(f"{number}, {picks}, {kept.kept} kept", device, failed)


def run_screen_train(job: Job, params: ScreenTrainParams, progress: Progress) -> Outcome:
    """Train a screening model on the labels of one or more folders."""
    device, output = choose_device(params.gpu), Path(job.output)
    train_screening([Path(folder) for folder in job.inputs], output, params, device, progress)
    provenance = read_card(output).provenance
    data, found = provenance.training_data[-1], provenance.metrics[-1]
    number = counted(data["micrographs"], "micrograph")
    return Outcome(
        f"trained on {number}, average precision {found['value']:.3f} on {found['data']}", device
    )
