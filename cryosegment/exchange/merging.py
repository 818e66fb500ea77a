# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a picking run, each in a folder of its own, brought together in one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Sequence, Set, Tuple

from cryosegment.exchange.csv_rows import csv_text, read_rows
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, make_folder, write_text
from cryosegment.exchange.job import Job
from cryosegment.exchange.micrograph_lists import FINISHED_NAME, read_failures
from cryosegment.exchange.params import PickParams, free_to_change
from cryosegment.exchange.pick_folder import SUFFIXES, PickFolder
from cryosegment.exchange.pick_summary import MicrographSummary, write_summaries
from cryosegment.exchange.repicking import picking_job
from cryosegment.exchange.shards import Shard, find_shards


@dataclass(frozen=True)
class Shards:
    """The shards of a picking run, all of which are done.

    Parameters
    ----------
    parts
        Folder of each.
    job
        The run that would have picked all at once.
    failures
        Why micrographs failed, by name.
    """

    parts: Tuple[PickFolder, ...]
    job: Job
    failures: Mapping[str, str]


def gather(
    output: Path, parts: Sequence[PickFolder], names: Sequence[str], is_resumed: bool = False
) -> None:
    """Move the results of parts to the output, and list them there in the order of `names`.

    What an earlier gathering, which broke off, has moved stays.

    Parameters
    ----------
    output
        Folder of the whole run.
    parts
        Folders of its parts.
    names
        All micrographs of the run.
    is_resumed
        Whether what the output lists as finished counts.
    """
    folders = [*([PickFolder(output)] if is_resumed else []), *parts]
    rows = {row[0]: row for row in finished_rows(folders)}
    summaries: Dict[str, MicrographSummary] = {}
    for folder in folders:
        summaries.update(folder.summaries())
    for part in parts:
        _move_results(part, PickFolder(output))
    known = [name for name in names if name in rows]
    write_summaries(output, [summaries[name] for name in known])
    write_text(output / FINISHED_NAME, csv_text([rows[name] for name in known]))


def finished_rows(parts: Sequence[PickFolder]) -> List[List[str]]:
    """What the lists of finished micrographs of parts hold, the name first."""
    return [row for part in parts for row in read_rows(Path(part.path, FINISHED_NAME))]


def unfinished(shard: Shard, part: PickFolder, names: Iterable[str]) -> Set[str]:
    """The micrographs of a shard, of all these, that are in its folder neither done nor failed."""
    done = {row[0] for row in finished_rows([part])}
    return shard.own(names) - done - set(read_failures(part.path))


def _move_results(part: PickFolder, results: PickFolder) -> None:
    """Move the files of each micrograph from the folder of a part to that of the results."""
    for kind in SUFFIXES:
        names = part.names(kind)
        if names:
            make_folder(results.folder(kind))
        for name in names:
            part.file(kind, name).replace(results.file(kind, name))


def open_shards(output: PathLike) -> Shards:
    """Read what the shards of a folder were, and check that all are done.

    Raises
    ------
    InputError
        If a shard is missing or has not picked all of its micrographs, or the shards have other
        micrographs or parameters than the first.
    """
    shards = find_shards(output)
    parts = [PickFolder(shard.folder(output)) for shard in shards]
    jobs = [picking_job(part.path) for part in parts]
    failures: Dict[str, str] = {}
    for shard, part, job in zip(shards, parts, jobs):
        text = f"shard {shard}"
        again = "run the shards again with --resume and the same micrographs and parameters"
        if set(job.names) != set(jobs[0].names):
            raise InputError(f"{text} has other micrographs than the first: {again}")
        if _fixed(job) != _fixed(jobs[0]):
            raise InputError(f"{text} has other parameters than the first: {again}")
        left = sorted(unfinished(shard, part, job.names))
        if left:
            count = len(shard.own(job.names))
            raise InputError(
                f"{text} has not finished {len(left)} of {count} micrographs, such as {left[0]}: "
                "run it again with --resume"
            )
        failures.update(read_failures(part.path))
    params = {**jobs[0].params, "shard": "", "resume": False}
    whole = replace(jobs[0], params=params, output=str(output))
    return Shards(tuple(parts), whole, failures)


def _fixed(job: Job) -> Dict[str, object]:
    """The parameters that the results depend on."""
    free = free_to_change(PickParams)
    return {name: value for name, value in job.params.items() if name not in free}
