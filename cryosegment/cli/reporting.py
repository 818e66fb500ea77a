# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment report`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from cryosegment.cli.batches import report_failures
from cryosegment.cli.outcome import Outcome
from cryosegment.cli.outputs import MODEL_SUFFIX
from cryosegment.cli.set_names import set_names
from cryosegment.core.report import write_page
from cryosegment.core.survey.looks import look
from cryosegment.core.survey.page import survey_page
from cryosegment.core.survey.picked import known_scale, read_sets
from cryosegment.core.survey.survey import Survey, survey
from cryosegment.core.training.report import read_trainings, trainings_page
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.job import PAGE_NAME, Job
from cryosegment.exchange.micrographs import files_of
from cryosegment.exchange.names import match_names
from cryosegment.exchange.params import ReportParams
from cryosegment.exchange.params.consensus import NEAR
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import counted


def run_report(job: Job, params: ReportParams, progress: Progress) -> Outcome:
    """Write the page of sets of picks or of trainings, once or again and again, until Ctrl-C."""
    outcome = _write(job, params, progress)
    while params.refresh:
        print(f"{outcome.made}; the next look in {params.refresh} s", flush=True)
        time.sleep(params.refresh)  # the folder of a run tells nobody that it has grown
        outcome = _write(job, params, progress)
    return outcome


def _write(job: Job, params: ReportParams, progress: Progress) -> Outcome:
    """Write the page of what there is: of trainings or of picks."""
    paths = [Path(text) for text in job.inputs]
    are_models = [path.suffix == MODEL_SUFFIX for path in paths]
    if not any(are_models):
        return _write_picks(job, params, progress)
    if not all(are_models):
        raise InputError(
            f"expected picks or models in training, got both: give models ({MODEL_SUFFIX}) alone"
        )
    trainings = read_trainings(dict(zip(set_names(job.inputs, params.names), paths, strict=True)))
    page = trainings_page(trainings, params.refresh or 0)
    write_page(Path(job.output, PAGE_NAME), page)
    return Outcome(counted(len(paths), "training"), counts={"trainings": len(paths)})


def _write_picks(job: Job, params: ReportParams, progress: Progress) -> Outcome:
    """Write the page of sets of picks; files that cannot be read are listed."""
    paths = [Path(text) for text in job.inputs]
    scale = known_scale(paths, params)
    sets = read_sets(paths, set_names(job.inputs, params.names), scale.pixel_size)
    radius = params.radius or NEAR * scale.diameter
    found = survey(sets, list(scale.micrographs), read_ctfs(scale.ctf), scale.diameter, radius)
    looks = look(found, _files(found, params, scale.micrographs), progress)
    write_page(Path(job.output, PAGE_NAME), survey_page(found, looks, params.refresh or 0))
    failures = {**found.failures, **looks.failures}
    failed = report_failures(Path(job.output), failures, len({*found.names, *failures}))
    picks = sum(own.picks for own in found.sets)
    made = f"{counted(len(sets), 'set')}, {counted(len(found.names), 'micrograph')}, "
    counts = {"sets": len(sets), "micrographs": len(found.names), "picks": picks}
    return Outcome(made + counted(picks, "pick"), failed=failed, counts=counts)


def _files(found: Survey, params: ReportParams, known: Mapping[str, Path]) -> dict[str, Path]:
    """Files of micrographs by the names that the survey has, where there are any."""
    if params.micrographs:
        given = files_of(found.names, params.micrographs)
        return {name: Path(path) for name, path in given.items()}
    files = {name: path for name, path in known.items() if path.is_file()}
    own = match_names(files, found.names)
    return {name: files[text] for text, name in own.items()}
