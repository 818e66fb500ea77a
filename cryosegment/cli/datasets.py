# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment fetch`."""

from __future__ import annotations

import sys
from pathlib import Path

from cryosegment.cli.outcome import Outcome
from cryosegment.core.datasets.fetch import fetch_data_set, list_data_set
from cryosegment.core.datasets.search import search_entries
from cryosegment.core.datasets.server import server_at
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import FetchParams
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import counted

UNITS = ("B", "KB", "MB", "GB", "TB")


def run_fetch(job: Job, params: FetchParams, progress: Progress) -> Outcome:
    """Search, list or download public data sets."""
    if bool(params.search) == bool(job.inputs):
        raise ParameterError(
            "expected an entry, such as 10017 or cryoppp-10017, or --search, got "
            f"{'both' if job.inputs else 'neither'}"
        )
    if params.search:
        _search(params)
    elif params.list:
        _list(job.inputs, params)
    elif job.output:
        return _fetch(job.inputs, params, Path(job.output), progress)
    else:
        raise ParameterError("expected a folder for the files: give --output, or --list")
    return Outcome()


def _search(params: FetchParams) -> None:
    found = search_entries(
        server_at(params.server),
        params.search,
        params.resolution,
        params.coordinates,
        params.limit,
    )
    print("entry\tresolution\tmap\tcoordinates\tsize\ttitle")
    for one in found:
        entry = one.entry
        particles = "yes" if entry.has_coordinates else "no"
        cells = (entry.number, f"{one.resolution:g}", one.emdb, particles, entry.size, entry.title)
        print("\t".join(cells))


def _list(names: tuple[str, ...], params: FetchParams) -> None:
    for name in names:
        for file in list_data_set(server_at(params.server), name, params.pattern):
            print(f"{'?' if file.size is None else _size(file.size)}\t{file.path}")


def _fetch(
    names: tuple[str, ...], params: FetchParams, folder: Path, progress: Progress
) -> Outcome:
    count, size, failures = 0, 0, {}
    for name in names:
        server = server_at(params.server)
        fetched = fetch_data_set(server, name, folder, params.pattern, progress)
        count, size = count + len(fetched.paths), size + fetched.size
        failures.update(fetched.failures)
    if failures:
        first, message = next(iter(failures.items()))
        number = f"{len(failures)} of {count + len(failures)} files"
        text = f"{number} failed, such as {first}: {message}"
        if not count:
            raise InputError(text)
        print(f"cryosegment: {text}", file=sys.stderr)
    return Outcome(f"{counted(count, 'file')}, {_size(size)}", failed=len(failures))


def _size(size: float) -> str:
    """A number of bytes with its unit."""
    power = 0
    while size >= 1000 and power < len(UNITS) - 1:
        size, power = size / 1000, power + 1
    digits = 1 if power and size < 10 else 0
    return f"{size:.{digits}f} {UNITS[power]}"
