# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cryosegment.cli.command import Command
from cryosegment.cli.commands import COMMANDS, MICROGRAPHS, find_command
from cryosegment.cli.main import main
from cryosegment.cli.outputs import recorded
from cryosegment.cli.targets import targets
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.job import Job, read_job
from cryosegment.exchange.params import FORMATS


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
            with Path(job.output, "finished.csv").open("a") as stream:
                stream.write(f"{name},1,2\n")


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
        raise error("as wanted")


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


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.output[0]])
def test_what_no_run_has_made_is_not_overwritten(command: Command, tmp_path: Path) -> None:
    """Such as a user's own coordinates."""
    job = job_of(command.name, tmp_path, "a")
    for target in targets(command, job.output):
        target.parent.mkdir(exist_ok=True)
        target.touch()
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(InputError, match=r"is there, but no .*job\.json of the run"):
            finish(job)
        assert sorted(tmp_path.rglob("*")) == before
        target.unlink()
    with recorded(command, job):
        pass


def test_a_link_to_nowhere_is_not_followed(tmp_path: Path) -> None:
    """What a run writes would appear where the link leads."""
    job = job_of("pick", tmp_path, "a")
    Path(job.output).mkdir()
    Path(job.output, "coordinates").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is there, but no"):
        finish(job)
    assert not (tmp_path / "elsewhere").exists()


def test_a_run_does_not_write_where_it_reads(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "probability"
    folder.mkdir(parents=True)
    (folder / "a.mrc").touch()
    (tmp_path / "linked.mrc").symlink_to(folder / "a.mrc")
    model = str(tmp_path / "out.safetensors")
    jobs = [
        job_of("pick", tmp_path, str(folder / "a")),
        replace(job_of("pick", tmp_path), inputs=(str(tmp_path / "linked.mrc"),), names=("b",)),
        job_of("labels coordinates", tmp_path, "a", coordinates=f"{tmp_path}/out/coordinates"),
        job_of("simulate", tmp_path, molecule=[f"{tmp_path}/out/truth/maps/1_x.mrc"]),
        job_of("train", tmp_path, start=model),
        job_of("tune", tmp_path, model=model),
    ]
    for job in jobs:
        with pytest.raises(InputError, match="is an input of this run, which may overwrite it"):
            finish(job)
    assert not command_of("pick").job_path(jobs[0].output).exists()


SIMULATION = ["--size", "64", "64", "--pixel-size", "8", "--gpu", "cpu"]


@pytest.mark.slow
def test_two_runs_in_one_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second is refused while the first lives, and no longer."""
    output = tmp_path / "out"
    arguments = ["simulate", *SIMULATION, "--output", str(output), "--count"]
    command = [sys.executable, "-m", "cryosegment", *arguments, "1000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"/1000 simulated_" in process.stderr.readline()
        job = (output / "job.json").read_text()
        assert main([*arguments, "1"]) == 1
        assert (
            f"another run writes to {output} (process {process.pid} on" in capsys.readouterr().err
        )
        assert (output / "job.json").read_text() == job
        process.kill()
    assert (output / ".job.json.lock").exists()
    assert main([*arguments, "1", "--resume"]) == 0
    assert not (output / ".job.json.lock").exists()


@pytest.mark.slow
def test_what_commands_write_is_what_they_say(tmp_path: Path) -> None:
    simulated, labels = str(tmp_path / "simulated"), str(tmp_path / "simulated" / "truth")
    micrograph = f"{simulated}/micrographs/simulated_0001.mrc"
    size = ["--diameter", "180", "--pixel-size", "8"]
    every = ["--masks", "--maps", "--overlays", "--formats", ",".join(FORMATS)]
    runs = {
        "simulate": [*SIMULATION, "--size", "128", "128"],
        "pick": [micrograph, *size, *every, "--gpu", "cpu"],
        "labels coordinates": [micrograph, *size, "--coordinates", f"{labels}/coordinates"],
        "labels check": [labels, "--model", "none"],
        "evaluate": [*size, "--picks", f"{labels}/coordinates", "--reference", labels],
    }
    for name, arguments in runs.items():
        command = command_of(name)
        output = tmp_path / (name.replace(" ", "_") if name != "simulate" else "simulated")
        assert main([*name.split(), *arguments, "--output", str(output)]) == 0
        allowed = {*targets(command, str(output)), output / "job.json"}
        assert set(output.iterdir()) <= allowed


def test_a_file_that_is_no_job(tmp_path: Path) -> None:
    """Such as that of CryoSPARC."""
    path = tmp_path / "out" / "job.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"job_type": "blob_picker"}))
    with pytest.raises(InputError, match="expected a job with a version"):
        finish(job_of("pick", tmp_path, "a"))
    assert "blob_picker" in path.read_text()
