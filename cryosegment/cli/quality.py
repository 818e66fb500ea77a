# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment labels check`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from cryosegment.cli.batches import report_failures, run_each
from cryosegment.cli.devices import choose_device
from cryosegment.cli.outcome import Outcome
from cryosegment.core.quality.inspection import Inspection, Inspector
from cryosegment.core.quality.pictures import write_pictures
from cryosegment.core.quality.report import Quality, read_rejected, write_tables
from cryosegment.exchange.files import check_names
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.params import LabelsCheckParams
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import counted


def run_labels_check(job: Job, params: LabelsCheckParams, progress: Progress) -> Outcome:
    """Check how well labels fit their micrographs; those that cannot be read are listed."""
    folders, output = [Path(folder) for folder in job.inputs], Path(job.output)
    entries = [entry for folder in folders for entry in read_labels_index(folder).entries]
    names = [entry.name for entry in entries]
    check_names(names)
    device = choose_device(params.gpu)
    inspector = Inspector(params.model, device, params.ctf)
    inspections: list[Inspection] = []
    failures = run_each(
        names, lambda i: inspections.append(inspector.inspect(entries[i])), progress
    )
    failed = report_failures(output, failures, len(entries))
    rejected = sum((Counter(read_rejected(folder)) for folder in folders), Counter[str]())
    quality = Quality(inspections, rejected, Path(params.model).stem)
    write_tables(output, quality)
    write_pictures(output, quality, inspector, entries, params.overlays)
    for line in (*quality.headlines, *quality.notes):
        print(line)
    return Outcome(counted(len(entries), "micrograph"), device, failed)
