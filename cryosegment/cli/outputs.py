# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run may write where: the job file beside its results guards them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from cryosegment.cli.command import Command
from cryosegment.cli.commands import MICROGRAPHS
from cryosegment.cli.locks import locked
from cryosegment.cli.targets import REPORTS, targets
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.files import make_folder
from cryosegment.exchange.finished import check_others, paths_of
from cryosegment.exchange.job import JOB_NAME, Job, read_job
from cryosegment.exchange.params import free_to_change, option_name
from cryosegment.exchange.shards import parse_shard

MODEL_SUFFIX = ".safetensors"


def shard_output(output: str, shard: str) -> str:
    """The folder that a shard of a run with this output works in; the output itself for none.

    Raises
    ------
    InputError
        If the output holds a run that is not, or no longer, in shards.
    """
    if not shard:
        return output
    if Path(output, JOB_NAME).exists():
        raise InputError(
            f"{output} holds a whole run, or shards that were merged: go on there without --shard "
            "and with --resume, or give another --output"
        )
    return str(parse_shard(shard).folder(output))


def check_model_file(output: str) -> None:
    """Check that the name of a model to write ends as that of a model.

    Raises
    ------
    ParameterError
        If it does not.
    """
    path = Path(output)
    if path.suffix != MODEL_SUFFIX:
        raise ParameterError(f"expected an output that ends in {MODEL_SUFFIX}, got {path.name}")


@contextmanager
def recorded(command: Command, job: Job) -> Iterator[Job]:
    """Leave a job in its output, which is this run's alone until the block ends.

    Where the block fails without results, all stays as it was. Of several processes that torchrun
    has started, the first does this for all.

    Yields
    ------
    The job to run: one that is resumed has the micrographs of its earlier runs as well.

    Raises
    ------
    InputError
        If another run writes to the output; if it is that of another command, has files in the
        place of results that no run has made, or holds results that this run would leave beside
        its own; if an input would be overwritten; or if the job cannot be written.
    ParameterError
        If a run is resumed with other parameters.
    """
    if not is_first():
        yield job
        return
    path = command.job_path(job.output)
    _checked(command, job)  # before anything is written
    is_new_folder = not path.parent.exists()
    make_folder(path.parent)
    with ExitStack() as ending:
        if is_new_folder:
            ending.callback(_remove_empty, path.parent)
        ending.enter_context(locked(path, job.output))
        earlier = _checked(command, job)  # another run may have ended meanwhile
        if earlier is not None and job.params.get("resume") and command.inputs == MICROGRAPHS:
            job = _with_earlier(job, earlier)
        job.write(path)
        begun = path.stat().st_mtime_ns
        with ExitStack() as failing:
            failing.callback(_take_back, command, job, earlier, begun)
            yield job
            failing.pop_all()


def is_first() -> bool:
    """Whether this is the only process of a run, or the first of those of torchrun."""
    return "TORCHELASTIC_RUN_ID" not in os.environ or os.environ.get("RANK", "0") == "0"


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # it holds results
        folder.rmdir()


def _has_results(command: Command, job: Job, begun: int) -> bool:
    """Whether there are results, reports apart, that are as new as a time in ns."""
    return any(
        file.stat().st_mtime_ns >= begun
        for target in targets(command, job.output)
        if target.name not in REPORTS
        for file in (target.rglob("*") if target.is_dir() else [target])
        if file.is_file()
    )


def _take_back(command: Command, job: Job, earlier: Job | None, begun: int) -> None:
    """After a failure, leave the job of the results that are there, or of what is said of them."""
    path = command.job_path(job.output)
    if _has_results(command, job, begun):
        return
    if earlier is not None:
        earlier.write(path)
    elif not any(target.exists() for target in targets(command, job.output)):
        path.unlink(missing_ok=True)


def _checked(command: Command, job: Job) -> Job | None:
    """The job of an earlier run in the output, where this one may write there."""
    path = command.job_path(job.output)
    earlier = read_job(path) if path.exists() else None
    if earlier is not None and earlier.command != job.command:
        raise InputError(
            f"{job.output} is an output of `cryosegment {earlier.command}`, which this run of "
            f"`cryosegment {job.command}` would overwrite: give another --output"
        )
    _check_inputs(command, job)
    if earlier is None:
        _check_targets(command, job)
    elif job.params.get("resume"):
        _check_resumed(command, job, earlier)
    if not job.params.get("resume") and command.inputs == MICROGRAPHS:
        check_others(job.output, job.names)
    return earlier


def _check_inputs(command: Command, job: Job) -> None:
    """Check that a run does not write where it reads."""
    written = {os.path.abspath(target) for target in targets(command, job.output)}
    written |= {os.path.realpath(target) for target in written}
    inputs = [Path(text) for text in job.inputs] if command.inputs_are_paths else []
    for path in (*inputs, *paths_of(command.params, job.params)):
        for spelling in (os.path.abspath(path), os.path.realpath(path)):
            if written & {spelling, *map(str, Path(spelling).parents)}:
                raise InputError(
                    f"{path} is an input of this run, which may overwrite it: give another --output"
                )


def _check_targets(command: Command, job: Job) -> None:
    """Check that nothing stands where results go and no run is known to have made them."""
    for target in targets(command, job.output):
        if os.path.lexists(target):
            raise InputError(
                f"{target} is there, but no {command.job_path(job.output).name} of the run that "
                "made it: it would be overwritten, so give another --output, or move it"
            )


def _with_earlier(job: Job, earlier: Job) -> Job:
    """The job with the micrographs of an earlier one before its own."""
    files = dict(zip(earlier.names, earlier.inputs)) | dict(zip(job.names, job.inputs))
    return replace(job, inputs=tuple(files.values()), names=tuple(files))


def _check_resumed(command: Command, job: Job, earlier: Job) -> None:
    """Check that a run goes on as it began: its results are kept together."""
    path, free = command.job_path(job.output), free_to_change(command.params)
    for name, value in job.params.items():
        before = earlier.params.get(name, value)
        if name not in free and before != value:
            raise ParameterError(
                f"--resume goes on with the run of {path}, but {option_name(command.params, name)} "
                f"was {_shown(before)} there and is {_shown(value)} now: give the same value, or "
                "another output"
            )


def _shown(value: object) -> str:
    return "left out" if value in (None, "", []) else str(value)
