# SPDX-License-Identifier: GPL-3.0-or-later
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import torch

import cryosegment
from cryosegment.cli.main import main
from cryosegment.cli.outcome import Outcome
from cryosegment.cli.run_log import VARIABLE, logged
from cryosegment.exchange.consensus import read_counts
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.job import Job
from cryosegment.exchange.pick_summary import MicrographSummary, append_summary


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in ("one", "two"):
        for micrograph in "ab":
            found = Coordinates(random.uniform(0, 100, (9, 2)), 1.0, micrograph)
            write_coordinates(tmp_path / name / f"{micrograph}.star", found)
    return tmp_path


def consensus(folder: Path, *more: str, diameter: str = "40") -> int:
    inputs = [str(folder / name) for name in ("one", "two")]
    lengths = ["--diameter", diameter, "--pixel-size", "1", "--output", str(folder / "out")]
    return main(["consensus", *inputs, *lengths, *more])


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_run_adds_a_line(sets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = sets / "facility" / "runs.jsonl"
    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    assert consensus(sets, "--run-log", str(log)) == 0
    (sets / "two" / "b.star").write_text("data_\n")
    assert main(["run", str(sets / "out" / "job.json"), "--run-log", str(log)]) == 3
    assert consensus(sets, "--run-log", str(log), "--votes", "3") == 1
    closing = [line for line in capsys.readouterr().out.splitlines() if "; results in " in line]
    good, partial, bad = lines_of(log)
    assert [line["status"] for line in (good, partial, bad)] == [0, 3, 1]
    assert str(good["made"]) in closing[0]
    assert good["command"] == "consensus"
    assert good["output"] == str(sets / "out")
    assert good["counts"]["micrographs"] == 2  # type: ignore[index]
    assert good["versions"]["torch"] == str(torch.__version__)  # type: ignore[index]
    assert good["versions"]["cryosegment"] == cryosegment.__version__  # type: ignore[index]
    assert before <= datetime.fromisoformat(str(good["began"])) <= datetime.now(timezone.utc)
    assert partial["failed"] == 1
    picks = sum(each.picks for name, each in read_counts(sets / "out").items() if name == "a")
    assert partial["counts"] == {"micrographs": 1, "picks": picks}
    assert "votes" in str(bad["error"])


def test_the_environment_names_a_log_for_all_runs(
    sets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(sets / "all.jsonl"))
    assert consensus(sets) == 0
    assert consensus(sets, "--run-log", str(sets / "own.jsonl")) == 0
    assert len(lines_of(sets / "all.jsonl")) == 2
    assert lines_of(sets / "own.jsonl") == lines_of(sets / "all.jsonl")[1:]


def test_a_log_that_cannot_be_written_is_told_before_the_run(
    sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert consensus(sets, "--run-log", str(sets)) == 1
    assert "--run-log" in capsys.readouterr().err
    assert not (sets / "out").exists()


@pytest.mark.parametrize(
    ("error", "status", "text"), [(KeyboardInterrupt(), 130, "Keyboard"), (KeyError("x"), 1, "x")]
)
def test_whatever_ends_a_run_is_said(
    tmp_path: Path, error: BaseException, status: int, text: str
) -> None:
    job = Job("pick", {}, (), str(tmp_path / "none"))
    with pytest.raises(type(error)), logged([str(tmp_path / "log")], job):
        raise error
    (line,) = lines_of(tmp_path / "log")
    assert line["status"] == status
    assert text in str(line["error"])


def test_flags_of_the_micrographs_are_counted(tmp_path: Path) -> None:
    for name, grade, doubts in (("a", "empty", ()), ("b", "good", ("odd",)), ("c", "empty", ())):
        row = MicrographSummary(name, 1.0, (9, 9), 0, 0, 0, 0, grade, doubts=doubts)
        append_summary(tmp_path, row)
    with logged([str(tmp_path / "log")], Job("pick", {}, (), str(tmp_path))) as tell:
        tell(Outcome("3 micrographs", "cuda:0"))
    (line,) = lines_of(tmp_path / "log")
    assert line["flags"] == {"empty": 2, "odd": 1}
    assert line["device"] == "cuda:0"
