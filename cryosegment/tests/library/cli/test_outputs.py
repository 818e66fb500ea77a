# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
from pathlib import Path

import pytest

from cryosegment.cli.commands import COMMANDS, MICROGRAPHS, Command, find_command
from cryosegment.cli.main import main
from cryosegment.cli.outputs import recorded
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.job import Job, read_job


def command_of(name: str) -> Command:
    found = find_command(name)
    assert found is not None
    return found


def job_of(command: str, folder: Path, *names: str, **params: object) -> Job:
    output = folder / "out.safetensors" if command_of(command).output_is_file else folder / "out"
    return Job(command, params, tuple(f"{name}.mrc" for name in names), str(output), names)


def finish(job: Job) -> None:
    """A run that finishes its micrographs."""
    with recorded(command_of(job.command), job):
        for name in job.names:
            path = Path(job.output, "coordinates", f"{name}.star")
            path.parent.mkdir(exist_ok=True)
            path.touch()


@pytest.mark.parametrize("other", [command.name for command in COMMANDS if command.name != "pick"])
def test_no_command_writes_over_another(other: str, tmp_path: Path) -> None:
    job = job_of("pick", tmp_path, "a")
    path = command_of(other).job_path(job_of(other, tmp_path).output)
    job.write(path)
    with pytest.raises(InputError, match="is an output of `cryosegment pick`"):
        finish(job_of(other, tmp_path))
    assert read_job(path) == job


def test_labels_are_not_overwritten_by_picks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(job_of("labels coordinates", tmp_path, "a"))
    options = ["--diameter", "40", "--pixel-size", "2", "--output", str(tmp_path / "out")]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for command in ("pick", "labels check"):
        inputs = [str(tmp_path / "a.mrc"), *options] if command == "pick" else options[-2:]
        more = [] if command == "pick" else [str(tmp_path / "out")]
        assert main([*command.split(), *more, *inputs]) == 1
        error = capsys.readouterr().err
        assert "is an output of `cryosegment labels coordinates`" in error
        assert error.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("command", [c.name for c in COMMANDS if c.inputs == MICROGRAPHS])
def test_other_micrographs(command: str, tmp_path: Path) -> None:
    finish(job_of(command, tmp_path, "a", "b.x"))
    finish(job_of(command, tmp_path, "b.x", "a"))
    with pytest.raises(InputError, match=r"holds results of 1 other micrographs, such as b\.x"):
        finish(job_of(command, tmp_path, "a", "c"))
    finish(job_of(command, tmp_path, "a", "c", resume=True))


def fail(job: Job, error: type[BaseException], *files: Path) -> None:
    """A run that ends with an error after it has written some files."""
    command = command_of(job.command)
    with recorded(command, job):
        assert read_job(command.job_path(job.output)) == job
        for path in files:
            path.parent.mkdir(exist_ok=True)
            path.touch()
        raise error


@pytest.mark.parametrize("command", ["pick", "train"])
@pytest.mark.parametrize("error", [InputError, KeyboardInterrupt, ZeroDivisionError])
def test_the_job_is_that_of_the_results(
    command: str, error: type[BaseException], tmp_path: Path
) -> None:
    """Written before the first of them, and taken back where there are none."""
    first = job_of(command, tmp_path, "a", seed=1)
    second = job_of(command, tmp_path, "a", seed=2)
    path = command_of(command).job_path(first.output)
    result = tmp_path / ("out.history.csv" if command == "train" else "out/coordinates/a.star")
    with pytest.raises(error):
        fail(first, error)
    assert not path.exists()
    assert path.parent.exists() == (command == "train")
    with pytest.raises(error):
        fail(first, error, result)
    assert read_job(path) == first
    os.utime(result, (1, 1))
    with pytest.raises(error):
        fail(second, error, path.parent / "failures.csv", tmp_path / "other.safetensors")
    assert read_job(path) == first


def test_a_file_that_is_no_job(tmp_path: Path) -> None:
    """Such as that of CryoSPARC."""
    path = tmp_path / "out" / "job.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"job_type": "blob_picker"}))
    with pytest.raises(InputError, match="expected a job with a version"):
        finish(job_of("pick", tmp_path, "a"))
    assert "blob_picker" in path.read_text()
