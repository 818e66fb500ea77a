# SPDX-License-Identifier: GPL-3.0-or-later
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
    assert card.label_source == "simulation"
    assert card.training_data[0]["micrographs"] == card.training_data[0]["validation"] == 1
    assert output.with_suffix(".job.json").exists()
    before = load_file(output)
    assert main([*command, "--resume"]) == 0
    assert all((load_file(output)[name] == before[name]).all() for name in before)
    assert main([*command[:-1], "64", "--resume"]) == 1
    assert "patch was 48 there" in capsys.readouterr().err


def test_labels_that_are_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "model.safetensors"
    assert main(["train", str(tmp_path), "--output", str(output)]) == 1
    assert "labels.json" in capsys.readouterr().err
    assert not output.exists()
