# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that stays between jobs: torch and the model are loaded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cryosegment.exchange.job import ANSWER


def serve(lines: Iterable[str], run: Callable[[list[str]], int], options: list[str]) -> int:
    """Run the job that each line names, and answer each by its exit status, until there are none.

    Parameters
    ----------
    lines
        Paths of job files, as they come.
    run
        The command line: called with `run`, the path and the options.
    options
        Of `cryosegment run`, for all jobs.

    Returns
    -------
    The last exit status; 0 without jobs.
    """
    status = 0
    for line in lines:
        status = run(["run", line.rstrip("\n"), *options])
        print(f"{ANSWER}{status}", flush=True)
    return status
