# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment labels coordinates`, `labels reconstruction` and `labels project`."""

from __future__ import annotations

from pathlib import Path

from cryosegment.cli.batches import report_failures, run_each
from cryosegment.core.labels.project import project_masks
from cryosegment.core.labels.run import LabelsRun
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import LabelEntry, LabelsIndex, write_labels_index
from cryosegment.exchange.params import LabelsParams, LabelsProjectParams
from cryosegment.exchange.progress import Progress


def run_labels(job: Job, params: LabelsParams, progress: Progress) -> None:
    """Make a labels folder, with a report of what became of the particles."""
    folder = Path(job.output)
    micrographs = {name: Path(path) for name, path in zip(job.names, job.inputs)}
    run = LabelsRun(params, micrographs, folder)
    entries: list[LabelEntry] = []

    def process(i: int) -> None:
        entries.append(run.label(job.names[i]))

    failures = run_each(job.names, process, progress)
    run.report.write(folder)
    report_failures(folder, failures, len(job.names))
    write_labels_index(folder, LabelsIndex(tuple(entries), run.source.name))
    for line in run.report.lines:
        print(line)


def run_labels_project(job: Job, params: LabelsProjectParams, progress: Progress) -> None:
    """Write a mask for every image of refined particles."""
    report = project_masks(params, Path(job.output), progress)
    for line in report.lines:
        print(line)
