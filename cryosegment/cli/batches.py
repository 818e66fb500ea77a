# SPDX-License-Identifier: GPL-3.0-or-later
"""Many micrographs in one run: those that fail are listed, and the rest go on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cryosegment.exchange.errors import CryoSegmentError, InputError, in_one_line
from cryosegment.exchange.micrograph_lists import FAILURES_NAME, write_failures
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import every


def run_each(
    names: Sequence[str], process: Callable[[int], None], progress: Progress
) -> dict[str, str]:
    """Call `process` with the index of each name; error messages of those that fail, by name."""
    failures = {}
    for i, name in enumerate(names):
        try:
            with in_one_line(f"micrograph {name}"):
                process(i)
        except CryoSegmentError as error:
            failures[name] = str(error)
        progress(i + 1, len(names), name)
    return failures


def report_failures(
    folder: Path, failures: Mapping[str, str], count: int, noun: str = "micrograph"
) -> int:
    """Write `failures.csv`, warn of it, and say how many failed.

    Raises
    ------
    InputError
        If all of the `count` micrographs, or what else `noun` calls them, failed.
    """
    write_failures(folder, failures)
    if not failures:
        return 0
    first = next(iter(failures.values()))
    if len(failures) == count:
        raise InputError(f"{every(count, noun)} failed: {first}")
    print(
        f"cryosegment: {len(failures)} of {count} {noun}s failed, see "
        f"{folder / FAILURES_NAME}; the first: {first}",
        file=sys.stderr,
    )
    return len(failures)
