# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment labels coordinates`, `labels reconstruction` and `labels project`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryosegment.cli.batches import report_failures, run_each
from cryosegment.cli.devices import CPU, choose_device
from cryosegment.cli.outcome import Outcome
from cryosegment.core.labels.picked import PickedParticles
from cryosegment.core.labels.project import project_masks
from cryosegment.core.labels.refined import RefinedParticles
from cryosegment.core.labels.report import Report
from cryosegment.core.labels.run import LabelsRun, Source
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import LabelEntry, LabelsIndex, write_labels_index
from cryosegment.exchange.params import (
    LabelsCoordinatesParams,
    LabelsParams,
    LabelsProjectParams,
    LabelsReconstructionParams,
)
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import counted


def run_labels_coordinates(
    job: Job, params: LabelsCoordinatesParams, progress: Progress
) -> Outcome:
    """Label particles at given coordinates; micrographs that fail are listed."""
    return _label(job, PickedParticles(params, _micrographs(job)), params, progress, CPU)


def run_labels_reconstruction(
    job: Job, params: LabelsReconstructionParams, progress: Progress
) -> Outcome:
    """Label refined particles by the projections of their map; micrographs that fail are listed."""
    device = choose_device(params.gpu)
    source = RefinedParticles(params, _micrographs(job), device)
    return _label(job, source, params, progress, device)


def run_labels_project(job: Job, params: LabelsProjectParams, progress: Progress) -> Outcome:
    """Write a mask for every image of refined particles."""
    device = choose_device(params.gpu)
    report = project_masks(params, Path(job.output), progress, device)
    _print(report)
    return Outcome(counted(report.labelled, "mask"), device)


def _micrographs(job: Job) -> Mapping[str, Path]:
    return {name: Path(path) for name, path in zip(job.names, job.inputs)}


def _label(
    job: Job, source: Source, params: LabelsParams, progress: Progress, device: str
) -> Outcome:
    """Write the labels of all micrographs, their index, and the report of the particles."""
    folder = Path(job.output)
    run = LabelsRun(source, params, folder)
    entries: list[LabelEntry] = []

    def process(i: int) -> None:
        entries.append(run.label(job.names[i]))

    failures = run_each(job.names, process, progress)
    run.report.write(folder)
    failed = report_failures(folder, failures, len(job.names))
    write_labels_index(folder, LabelsIndex(tuple(entries), source.name))
    _print(run.report)
    made = f"{counted(len(job.names), 'micrograph')}, {run.report.labelled} labelled particles"
    return Outcome(made, device, failed)


def _print(report: Report) -> None:
    for line in report.lines:
        print(line)
