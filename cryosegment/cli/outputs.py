# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run may write where: the job file beside its results guards them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from cryosegment.cli.commands import MICROGRAPHS, Command
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.files import FAILURES_NAME
from cryosegment.exchange.job import Job, read_job
from cryosegment.exchange.params import option_name

FREE_TO_CHANGE = {
    "resume",
    "gpu",
    "threads",
    "count",
    "minutes",
    "epochs",
    "learning_rate",
    "patience",
}
"""Parameters that a resumed run may change."""


@contextmanager
def recorded(command: Command, job: Job) -> Iterator[Job]:
    """Leave a job in its output; where the block fails without results, all stays as it was.

    Yields
    ------
    The job to run: one that is resumed has the micrographs of its earlier runs as well.

    Raises
    ------
    InputError
        If the output is that of another command, or holds results that this run would leave
        beside its own; or if the job cannot be written.
    ParameterError
        If a run is resumed with other parameters.
    """
    path = command.job_path(job.output)
    earlier = read_job(path) if path.exists() else None
    _check_output(command, job, earlier)
    if earlier is not None and job.params.get("resume") and command.inputs == MICROGRAPHS:
        job = _with_earlier(job, earlier)
    is_new_folder = not path.parent.exists()
    job.write(path)
    begun = path.stat().st_mtime_ns

    def take_back() -> None:
        if any(file.stat().st_mtime_ns >= begun for file in _results(command, job)):
            return
        if earlier is not None:
            earlier.write(path)
            return
        path.unlink(missing_ok=True)  # torchrun has several of this run
        if is_new_folder:
            with suppress(OSError):  # it holds folders or failures
                path.parent.rmdir()

    with ExitStack() as failing:
        failing.callback(take_back)
        yield job
        failing.pop_all()


def _check_output(command: Command, job: Job, earlier: Job | None) -> None:
    if earlier is not None and earlier.command != job.command:
        raise InputError(
            f"{job.output} is an output of `cryosegment {earlier.command}`, which this run of "
            f"`cryosegment {job.command}` would overwrite: give another --output"
        )
    if not job.params.get("resume"):
        if command.inputs == MICROGRAPHS:
            _check_others(job)
    elif earlier is not None:
        _check_resumed(command, job, earlier)


def _with_earlier(job: Job, earlier: Job) -> Job:
    """The job with the micrographs of an earlier one before its own."""
    files = dict(zip(earlier.names, earlier.inputs)) | dict(zip(job.names, job.inputs))
    return replace(job, inputs=tuple(files.values()), names=tuple(files))


def _check_others(job: Job) -> None:
    """Check that no results of other micrographs would stay beside those of this run."""
    finished = {path.stem for path in Path(job.output, "coordinates").glob("*.star")}
    others = sorted(finished - set(job.names))
    if others:
        raise InputError(
            f"{job.output} holds results of {len(others)} other micrographs, such as {others[0]}: "
            "give --resume to go on there, or another --output"
        )


def _check_resumed(command: Command, job: Job, earlier: Job) -> None:
    """Check that a run goes on as it began: its results are kept together."""
    path = command.job_path(job.output)
    for name, value in job.params.items():
        before = earlier.params.get(name, value)
        if name not in FREE_TO_CHANGE and before != value:
            raise ParameterError(
                f"--resume goes on with the run of {path}, but {option_name(command.params, name)} "
                f"was {_shown(before)} there and is {_shown(value)} now: give the same value, or "
                "another output"
            )


def _shown(value: object) -> str:
    return "left out" if value in (None, "", []) else str(value)


def _results(command: Command, job: Job) -> Iterator[Path]:
    """The files of an output, but for the job and the list of failures."""
    path, output = command.job_path(job.output), Path(job.output)
    for file in output.parent.iterdir() if command.output_is_file else output.rglob("*"):
        is_own = not command.output_is_file or file.name.startswith(f"{output.stem}.")
        if is_own and file.is_file() and file != path and file.name != FAILURES_NAME:
            yield file
