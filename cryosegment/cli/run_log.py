# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of JSON for each run, in a file that a facility keeps."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cryosegment
from cryosegment.cli.outcome import Outcome
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import make_folder
from cryosegment.exchange.job import FAILED, INTERRUPTED, OK, SOME_FAILED, Job
from cryosegment.exchange.pick_folder import PickFolder
from cryosegment.exchange.run_log import ERROR, STATUS

VARIABLE = "CRYOSEGMENT_RUN_LOG"
"""Names the file where no option does: for all runs of a facility."""
LIBRARIES = ("numpy", "torch")


def add_run_log(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a log of runs."""
    parser.add_argument(
        "--run-log",
        metavar="FILE",
        default="",
        help="append a line of JSON about the run to this file, and to that which the environment "
        f"variable {VARIABLE} names, if any",
    )


def run_logs(given: str) -> list[str]:
    """The logs of a run, the one that the command line names and that of the facility."""
    return list(dict.fromkeys(name for name in (given, os.environ.get(VARIABLE, "")) if name))


@contextmanager
def logged(paths: Sequence[str], job: Job) -> Iterator[Callable[[Outcome], None]]:
    """Append a line on a run to its logs when the block ends, in whatever way.

    Parameters
    ----------
    paths
        Its logs.
    job
        The run.

    Yields
    ------
    To be told what the run has done.

    Raises
    ------
    InputError
        If a log cannot be written; said before the run begins.
    """
    outcomes: list[Outcome] = []
    if not paths:
        yield outcomes.append
        return
    descriptors = [_opened(Path(name)) for name in paths]
    began, clock = datetime.now(timezone.utc), time.monotonic()
    try:
        yield outcomes.append
    finally:
        line = {
            "command": job.command,
            "began": began.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - clock, 1),
            **_ending(outcomes[-1] if outcomes else Outcome(), sys.exc_info()[1]),
            "flags": _flags(job.output),
            "output": job.output,
            "host": platform.node(),
            "versions": _versions(),
        }
        text = (json.dumps(line, ensure_ascii=False) + "\n").encode()
        for descriptor in descriptors:
            os.write(descriptor, text)  # whole, so that runs at the same time do not mix theirs
            os.close(descriptor)


def _ending(outcome: Outcome, error: BaseException | None) -> dict[str, Any]:
    """Exit status of a run, what it has made, and the error that has ended it."""
    status = SOME_FAILED if outcome.failed else OK
    if error is not None:
        status = INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED
    return {
        STATUS: status,
        ERROR: "" if error is None else str(error) or type(error).__name__,
        "made": outcome.made,
        "counts": dict(outcome.counts),
        "failed": outcome.failed,
        "device": outcome.device,
    }


def _opened(path: Path) -> int:
    make_folder(path.parent)
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:
        raise InputError(
            f"cannot write the run log {path}: {error.strerror}; give another --run-log"
        ) from error


def _flags(output: str) -> dict[str, int]:
    """How many micrographs in an output of `pick` have each bad grade or doubt."""
    summaries = PickFolder(output).summaries() if output and Path(output).is_dir() else {}
    return dict(Counter(remark for each in summaries.values() for remark in each.remarks))


def _versions() -> dict[str, str]:
    found = {"cryosegment": cryosegment.__version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
