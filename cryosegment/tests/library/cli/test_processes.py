# SPDX-License-Identifier: GPL-3.0-or-later
"""Trainings of two processes on the CPU, which take the steps that one process takes."""

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from cryosegment.cli.main import main
from cryosegment.cli.processes import is_launched, launch
from cryosegment.cli.training import run_train, train_together
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import TrainParams
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.records import record_to_dict

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4
"""Relative; the sums of the two differ in their last bits, which the steps make larger."""


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels of two micrographs."""
    folder = tmp_path_factory.mktemp("simulated")
    size = ["--size", "256", "320", "--pixel-size", "6", "--snr", "1", "--count", "2"]
    assert main(["simulate", "--output", str(folder), *size]) == 0
    return folder / "truth"


@pytest.fixture
def params(tiny_model: Path) -> TrainParams:
    """Eight steps."""
    return TrainParams(
        start=str(tiny_model), epochs=1, batch=8, patch=64, learning_rate=3e-3, gpu="cpu"
    )


def curve(output: Path) -> list[dict[str, float]]:
    """The rows of the history."""
    with output.with_suffix(".history.csv").open() as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def assert_same(first: Path, second: Path) -> None:
    assert len(curve(first)) == len(curve(second)) == 9
    for row, other in zip(curve(first), curve(second), strict=True):
        assert row.pop("score") == pytest.approx(other["score"], abs=0.02)  # a pick may change
        losses = {name: row[name] for name in row if name not in ("seconds", "threshold")}
        assert losses == pytest.approx({name: other[name] for name in losses}, rel=TOLERANCE)
    weights, others = load_file(first), load_file(second)
    for name, weight in weights.items():
        assert weight == pytest.approx(others[name], rel=1e-2, abs=1e-3)  # in half precision


def test_two_processes_go_on_where_one_was_interrupted(
    labels: Path, params: TrainParams, tmp_path: Path
) -> None:
    def interrupt(done: int, total: int, text: str) -> None:
        if text.startswith("step 4"):
            raise KeyboardInterrupt

    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    values = record_to_dict(params)
    run_train(Job("train", values, (str(labels),), str(one)), params, no_progress)
    job = Job("train", values, (str(labels),), str(two))
    job.write(tmp_path / "two.job.json")
    with pytest.raises(KeyboardInterrupt):
        run_train(job, params, interrupt)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = ["--nproc-per-node", "2", "-m", "cryosegment", "run", "two.job.json", "--resume"]
    found = subprocess.run(
        [*torchrun, *command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stderr.count("1000/1000") == 1  # the first process alone reports
    assert_same(one, two)


def test_the_error_of_a_process(labels: Path, params: TrainParams, tmp_path: Path) -> None:
    assert not is_launched()
    job = Job("train", {}, (str(labels),), str(tmp_path / "model.safetensors"))
    with pytest.raises(ParameterError, match=r"^expected a batch that 2 processes can share"):
        launch(2, train_together, job, replace(params, batch=7))
