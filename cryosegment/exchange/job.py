# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: a command with its parameters, inputs and output as a JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Tuple

from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.files import PathLike, check_names, read_json, write_text
from cryosegment.exchange.records import Record, record_from_dict, record_to_dict

JOB_VERSION = 1
JOB_NAME, PAGE_NAME = "job.json", "report.html"
"""In output folders: the run that made them, and a page to look at."""

ANSWER = "cryosegment: exit status "
"""What `cryosegment serve` says after each job, before its exit status."""
OK, FAILED, SOME_FAILED, INTERRUPTED = 0, 1, 3, 130
"""Exit statuses: all is done, nothing is, some inputs failed, Ctrl-C; argparse has 2 for usage."""


@dataclass(frozen=True)
class Job(Record):
    """A command, its parameters, its inputs and its output.

    Parameters
    ----------
    command
        Name of the command, such as "pick" or "labels coordinates".
    params
        Parameters of the command by name; those left out take their defaults.
    inputs
        Paths of the inputs; relative paths start at the current folder.
    output
        Output folder, or the model file for "train".
    names
        Name of each input; empty where they are the names of the files.
    """

    command: str
    params: Dict[str, Any]
    inputs: Tuple[str, ...]
    output: str
    names: Tuple[str, ...] = ()

    def write(self, path: PathLike) -> None:
        """Write the job as JSON."""
        values = {"version": JOB_VERSION, **record_to_dict(self)}
        write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def read_job(path: PathLike) -> Job:
    """Job from a JSON file.

    Raises
    ------
    InputError
        If the file is missing, not JSON or of another version, a field is missing, unknown or of
        the wrong type, or a name cannot be the name of a file.
    """
    values = read_json(path)
    if not isinstance(values, dict) or "version" not in values:
        raise InputError(f"expected a job with a version, but {path} has none")
    version = values.pop("version")
    if version != JOB_VERSION:
        raise InputError(
            f"expected job version {JOB_VERSION}, got {version} in {path}: it was written by "
            "another version of cryosegment; use one version"
        )
    try:
        job = record_from_dict(Job, values)
    except ParameterError as error:
        raise InputError(
            f"expected a job that this version knows in {path} ({error}): write it again"
        ) from None
    if any("\0" in text for text in _texts(values)):
        raise InputError(f"the job {path} holds a NUL character, which no path or name has")
    if job.names and len(job.names) != len(job.inputs):
        raise InputError(f"expected a name for each input in {path}")
    check_names(job.names)
    return job


def _texts(value: Any) -> Iterator[str]:
    """All texts in the values of a job."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
