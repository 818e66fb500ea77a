# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment consensus`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryosegment.cli.batches import report_failures, run_each
from cryosegment.cli.outcome import Outcome, counted
from cryosegment.core.consensus.sets import Consensus, far_from
from cryosegment.exchange.consensus import (
    COUNTS_NAME,
    Counts,
    read_consensus,
    read_counts,
    write_joint,
)
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import check_names, remove_file
from cryosegment.exchange.finished import Finished, check_others
from cryosegment.exchange.job import Job
from cryosegment.exchange.names import ByMicrograph
from cryosegment.exchange.params import ConsensusParams
from cryosegment.exchange.pick_folder import COORDINATES, PickFolder
from cryosegment.exchange.progress import Progress

WIDTH = 9


def run_consensus(job: Job, params: ConsensusParams, progress: Progress) -> Outcome:
    """Write the picks on which sets agree; micrographs that fail are listed, the rest go on."""
    votes = params.votes_of(len(job.inputs))
    consensus = _open(job, params)
    unwanted = [ByMicrograph(read_coordinates(p, params.pixel_size)) for p in params.without]
    results, finished = PickFolder(job.output), Finished(job.output, params, params.resume)
    known = _begin(job, params, consensus.names)
    found = {
        name: read_consensus(results.file(COORDINATES, name), params.pixel_size, name)
        for name in sorted(set(known) - set(consensus.names))
    }

    def process(i: int) -> None:
        name = consensus.names[i]
        path, content = results.file(COORDINATES, name), consensus.content(name)
        if name in known and path.exists() and finished.has(name, content):
            found[name] = read_consensus(path, params.pixel_size, name)
            return
        particles = consensus.particles(name)
        is_chosen = particles.votes >= votes
        for others in unwanted:
            is_chosen &= far_from(particles.coordinates, others.of(name), params.reach)
        found[name] = particles.select(is_chosen)
        with finished.making(name, content):
            Counts.of(particles, is_chosen).append(job.output, name)
            found[name].write(path)

    failures = run_each(consensus.names, process, progress)
    for name in failures:
        results.remove(name, (COORDINATES,))
    failed = report_failures(Path(job.output), failures, len(consensus.names))
    write_joint(results.everything, [found[name] for name in sorted(found)])
    _tell_missing(consensus.missing(), len(consensus.names))
    total = _total(job, found)
    print(_table(total, job.inputs, votes))
    made = f"{counted(len(found), 'micrograph')}, {counted(total.picks, 'pick')}"
    return Outcome(made, failed=failed)


def _open(job: Job, params: ConsensusParams) -> Consensus:
    """Read the sets.

    Raises
    ------
    InputError
        If there is no micrograph, or one has a name that no file can have.
    """
    sets = [read_coordinates(path, params.pixel_size) for path in job.inputs]
    consensus = Consensus(sets, params.pixel_size, params.diameter, params.reach)
    if not consensus.names:
        raise InputError("expected picks, but the sets name no micrograph: check the files")
    check_names(consensus.names)
    return consensus


def _total(job: Job, names: Iterable[str]) -> Counts:
    """Counts of some micrographs of the output."""
    counts = read_counts(job.output)
    return Counts.total([counts[name] for name in names])


def _begin(job: Job, params: ConsensusParams, names: Sequence[str]) -> dict[str, Counts]:
    """Counts of the micrographs that an earlier run has left where this one goes on."""
    if not params.resume:
        check_others(job.output, names)
        remove_file(Path(job.output, COUNTS_NAME))
    known = read_counts(job.output)
    before = {len(counts.in_set) for counts in known.values()} - {len(job.inputs)}
    if before:
        raise InputError(
            f"--resume goes on with the run in {job.output}, of {before.pop()} sets, and got "
            f"{len(job.inputs)}: give the same, or another --output"
        )
    return known


def _tell_missing(missing: Sequence[Sequence[str]], count: int) -> None:
    for i, names in enumerate(missing, start=1):
        if names:
            print(
                f"cryosegment: set {i} has none of {len(names)} of {count} micrographs, such as "
                f"{names[0]}: it has no vote there",
                file=sys.stderr,
            )


def _table(total: Counts, paths: Sequence[str], votes: int) -> str:
    """How many picks of each set are in the consensus, and how many particles have how many."""
    rows = [("set", "picks", "agreed", "")]
    rows += [
        (str(i), str(picks), str(agreed), path)
        for i, (picks, agreed, path) in enumerate(zip(total.in_set, total.agreed, paths), start=1)
    ]
    lines = ["  ".join([*(f"{cell:>{WIDTH}}" for cell in cells), path]) for *cells, path in rows]
    numbers = ", ".join(f"{number} with {i}" for i, number in enumerate(total.particles, start=1))
    return "\n".join([*lines, f"Particles by votes: {numbers}; picks have at least {votes}."])
