# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment labels coordinates`, `labels reconstruction` and `labels project`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryosegment.cli.batches import report_failures, run_each
from cryosegment.cli.devices import choose_device
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


def run_labels_coordinates(job: Job, params: LabelsCoordinatesParams, progress: Progress) -> int:
    """Make a labels folder of picked particles, all of one shape."""
    return _label(job, PickedParticles(params, _micrographs(job)), params, progress)


def run_labels_reconstruction(
    job: Job, params: LabelsReconstructionParams, progress: Progress
) -> int:
    """Make a labels folder in which every particle is the footprint of its body."""
    device = choose_device(params.gpu)
    return _label(job, RefinedParticles(params, _micrographs(job), device), params, progress)


def run_labels_project(job: Job, params: LabelsProjectParams, progress: Progress) -> int:
    """Write a mask for every image of refined particles."""
    device = choose_device(params.gpu)
    _print(project_masks(params, Path(job.output), progress, device))
    return 0


def _micrographs(job: Job) -> Mapping[str, Path]:
    return {name: Path(path) for name, path in zip(job.names, job.inputs)}


def _label(job: Job, source: Source, params: LabelsParams, progress: Progress) -> int:
    """Write the labels of all micrographs, their index, and what became of the particles."""
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
    return failed


def _print(report: Report) -> None:
    for line in report.lines:
        print(line)
