# SPDX-License-Identifier: GPL-3.0-or-later
"""A command: its parameters, inputs and outputs, and the function that runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from cryosegment.cli.outcome import Outcome
from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.exchange.params import Params
from cryosegment.exchange.progress import Progress

Run = Callable[[Job, Any, Progress], Outcome]
"""Runs a job with its parameters."""


@dataclass(frozen=True)
class Command:
    """A command of the command line and of job files.

    Parameters
    ----------
    name
        Name of one or two words.
    help
        What it does, beginning with a verb.
    params
        Class of its parameters.
    function
        `module:function` in `cryosegment.cli` that runs it; imported when it runs.
    output
        Name and help of the output.
    example
        Arguments of a run as a user would type them, a line each.
    inputs
        Name and help of the positional inputs; empty where it has none.
    needs_output
        Whether an output must be given.
    output_is_file
        Whether the output is a file; the job file is then written beside it.
    needs_inputs
        Whether at least one input must be given, for commands that take inputs.
    inputs_are_paths
        Whether the inputs are files or folders, and not names.
    """

    name: str
    help: str
    params: type[Params]
    function: str
    output: tuple[str, str]
    example: tuple[str, ...]
    inputs: tuple[str, str] = ("", "")
    needs_output: bool = True
    output_is_file: bool = False
    needs_inputs: bool = True
    inputs_are_paths: bool = True

    def job_path(self, output: str) -> Path:
        """Path of the job file that a run with this output writes."""
        path = Path(output)
        return path.with_suffix(".job.json") if self.output_is_file else path / JOB_NAME

    def load(self) -> Run:
        """The function that runs the command."""
        module, function = self.function.split(":")
        run: Run = getattr(import_module(f"cryosegment.cli.{module}"), function)
        return run
