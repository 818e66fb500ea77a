# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment consensus`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from cryosegment.cli.batches import report_failures, run_each
from cryosegment.cli.outcome import Outcome
from cryosegment.cli.set_names import set_names
from cryosegment.core.consensus.report import consensus_page
from cryosegment.core.consensus.sets import Consensus, far_from
from cryosegment.core.report import write_page
from cryosegment.exchange.consensus import (
    COUNTS_NAME,
    ConsensusPicks,
    Counts,
    read_consensus,
    read_counts,
    write_joint,
)
from cryosegment.exchange.coordinates import read_tolerantly
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import check_names, remove_file
from cryosegment.exchange.finished import Finished, check_others
from cryosegment.exchange.job import PAGE_NAME, Job
from cryosegment.exchange.names import ByMicrograph, MicrographNames
from cryosegment.exchange.params import ConsensusParams
from cryosegment.exchange.pick_folder import COORDINATES, PickFolder
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import counted

WIDTH = 9


def run_consensus(job: Job, params: ConsensusParams, progress: Progress) -> Outcome:
    """Write the picks on which sets agree; micrographs that fail are listed, the rest go on."""
    votes = params.votes_of(len(job.inputs))
    sets = _Sets(job, params)
    results, finished = PickFolder(job.output), Finished(job.output, params, params.resume)
    known = _begin(job, params, sets.consensus.names)
    found = {
        name: read_consensus(results.file(COORDINATES, name), params.pixel_size, name)
        for name in sorted(set(known) - {*sets.names, *sets.failures})
    }

    def process(i: int) -> None:
        name = sets.names[i]
        path, content = results.file(COORDINATES, name), sets.consensus.content(name)
        if name in known and path.exists() and finished.has(name, content):
            found[name] = read_consensus(path, params.pixel_size, name)
            return
        particles = sets.consensus.particles(name)
        is_chosen = (particles.votes >= votes) & sets.are_wanted(particles)
        found[name] = particles.select(is_chosen)
        with finished.making(name, content):
            Counts.of(particles, is_chosen).append(job.output, name)
            found[name].write(path)

    failures = {**sets.failures, **run_each(sets.names, process, progress)}
    for name in failures:
        results.remove(name, (COORDINATES,))
    every = {*sets.names, *failures}
    failed = report_failures(Path(job.output), failures, len(every))
    write_joint(results.everything, [found[name] for name in sorted(found)])
    _tell_missing(sets)
    counts = _counts(job, found)
    page = consensus_page(sets.labels, counts, votes, failures)
    write_page(Path(job.output, PAGE_NAME), page)
    total = Counts.total(list(counts.values()))
    print(_table(total, sets.labels, votes))
    made = f"{counted(len(found), 'micrograph')}, {counted(total.picks, 'pick')}"
    return Outcome(made, failed=failed, counts={"micrographs": len(found), "picks": total.picks})


class _Sets:
    """The sets of a job, and those to take away.

    Attributes
    ----------
    names
        Micrographs whose files can all be read.
    failures
        Why others are left out, by name.

    Raises
    ------
    InputError
        If there is no micrograph, or one has a name that no file can have.
    """

    def __init__(self, job: Job, params: ConsensusParams) -> None:
        size, self._reach = params.pixel_size, params.reach
        paths = (*job.inputs, *params.without)
        picks, errors = zip(*(read_tolerantly(path, size) for path in paths), strict=True)
        count = len(job.inputs)
        self.labels = set_names(job.inputs, params.names)
        self.consensus = Consensus(picks[:count], size, params.diameter, params.reach)
        self._unwanted = [ByMicrograph(each) for each in picks[count:]]
        if not self.consensus.names:
            raise InputError("expected picks, but the sets name no micrograph: check the files")
        check_names(self.consensus.names)
        named = MicrographNames(self.consensus.names)
        self.failures = {
            named.find(text) or text: str(error) for own in errors for text, error in own.items()
        }
        self.names = [name for name in self.consensus.names if name not in self.failures]

    def missing(self) -> list[list[str]]:
        """Micrographs that each set lacks, though it has no damaged file of them."""
        return [
            [name for name in names if name not in self.failures]
            for names in self.consensus.missing()
        ]

    def are_wanted(self, particles: ConsensusPicks) -> Bool[np.ndarray, " n"]:
        """Mask of the particles that are far from those of all sets to take away."""
        found = particles.coordinates
        masks = [far_from(found, each.of(found.name), self._reach) for each in self._unwanted]
        return np.all([np.ones(len(found), bool), *masks], axis=0)


def _counts(job: Job, names: Iterable[str]) -> dict[str, Counts]:
    """Counts of some micrographs of the output."""
    counts = read_counts(job.output)
    return {name: counts[name] for name in sorted(names)}


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


def _tell_missing(sets: _Sets) -> None:
    for label, names in zip(sets.labels, sets.missing(), strict=True):
        if names:
            print(
                f"cryosegment: {label} has none of {len(names)} of {len(sets.names)} micrographs, "
                f"such as {names[0]}: it has no vote there",
                file=sys.stderr,
            )


def _table(total: Counts, labels: Sequence[str], votes: int) -> str:
    """How many picks of each set are in the consensus, and how many particles have how many."""
    rows = [("set", "picks", "agreed", "")]
    rows += [
        (str(i), str(picks), str(agreed), label)
        for i, (picks, agreed, label) in enumerate(zip(total.in_set, total.agreed, labels), start=1)
    ]
    lines = ["  ".join([*(f"{cell:>{WIDTH}}" for cell in cells), label]) for *cells, label in rows]
    numbers = ", ".join(f"{number} with {i}" for i, number in enumerate(total.particles, start=1))
    return "\n".join([*lines, f"Particles by votes: {numbers}; picks have at least {votes}."])
