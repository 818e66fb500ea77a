# SPDX-License-Identifier: GPL-3.0-or-later
import csv
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from cryosegment.cli.main import main
from cryosegment.exchange.card import read_card


@pytest.fixture
def labels(tmp_path: Path) -> list[str]:
    """Two labels folders of one name."""
    for run in ("a", "b"):
        arguments = ["--size", "256", "320", "--pixel-size", "6", "--snr", "1"]
        assert main(["simulate", "--output", str(tmp_path / run), *arguments]) == 0
    return [str(tmp_path / run / "truth") for run in ("a", "b")]


def test_simulated_labels_to_a_model(
    labels: list[str], tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new.safetensors"
    command = [
        "train",
        *labels,
        "--from",
        str(tiny_model),
        "--output",
        str(output),
        "--epochs",
        "1",
    ]
    command += ["--batch", "32", "--patch", "48"]
    assert main(command) == 0
    card = read_card(output)
    assert card.provenance.label_source == "simulation"
    assert (
        card.provenance.training_data[0]["micrographs"]
        == card.provenance.training_data[0]["validation"]
        == 1
    )
    assert output.with_suffix(".job.json").exists()
    before = load_file(output)
    assert main([*command, "--resume"]) == 0
    assert all((load_file(output)[name] == before[name]).all() for name in before)
    assert main([*command[:-1], "64", "--resume"]) == 1
    assert "patch was 48 there" in capsys.readouterr().err
    output.with_suffix(".state.safetensors").unlink()
    written = output.read_bytes()
    assert main([*command, "--resume"]) == 1
    assert "leave out --resume to start again" in capsys.readouterr().err
    assert output.read_bytes() == written


def test_labels_that_are_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "model.safetensors"
    assert main(["train", str(tmp_path), "--output", str(output)]) == 1
    assert "labels.json" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


KILLED = """
import os, signal, sys
from pathlib import Path
from contextlib import contextmanager
from cryosegment.cli import main

@contextmanager
def kill_at_step_6():
    def told(done, total, text):
        if text.startswith("step 6"):
            os.kill(os.getpid(), signal.SIGKILL)
    yield told

main.show_progress = kill_at_step_6
main.main(["run", sys.argv[1]])
"""


def curve(output: Path) -> list[dict[str, str]]:
    """The rows of the history, without the time they took."""
    with output.with_suffix(".history.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_a_training_that_is_killed_goes_on(
    labels: list[str], tiny_model: Path, tmp_path: Path
) -> None:
    """Killed between two validations of 16 steps, it makes the model that it would have made."""
    command = ["train", *labels, "--from", str(tiny_model), "--epochs", "1", "--gpu", "cpu"]
    command += ["--batch", "4", "--patch", "48"]
    whole, killed = tmp_path / "whole.safetensors", tmp_path / "killed.safetensors"
    assert main([*command, "--output", str(whole)]) == 0
    job = tmp_path / "job.json"
    job.write_text(whole.with_suffix(".job.json").read_text().replace(str(whole), str(killed)))
    assert subprocess.run([sys.executable, "-c", KILLED, str(job)]).returncode == -signal.SIGKILL
    assert not killed.exists()
    assert list(tmp_path.glob(".*.lock"))  # which a dead process does not hold
    assert main(["run", str(job), "--resume"]) == 0
    assert not list(tmp_path.glob(".*.lock"))
    assert curve(killed) == curve(whole)
    before, after = load_file(whole), load_file(killed)
    assert all((after[name] == before[name]).all() for name in before)
