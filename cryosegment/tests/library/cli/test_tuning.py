# SPDX-License-Identifier: GPL-3.0-or-later
import csv
from pathlib import Path

import pytest
import torch
from torch import nn

from cryosegment.cli.main import main
from cryosegment.core.models.checkpoint import load_network, save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.exchange.card import ModelCard, TrainedNetwork, Use, read_card
from cryosegment.exchange.params import InputParams

ARGUMENTS = {"widths": [8, 8], "deep_blocks": 1, "normalization": "batch"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A network that has seen nothing, with a threshold that nothing reaches."""
    torch.manual_seed(2)
    network: nn.Module = build_network("compact", **ARGUMENTS)
    network.head.weight.data *= 20  # type: ignore[union-attr,operator]
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(
        path,
        network,
        ModelCard("tiny", TrainedNetwork("compact", ARGUMENTS, HEADS), InputParams(12.0), Use(0.9)),
    )
    return path


def simulate(folder: Path, count: int) -> str:
    size = ["--size", "160", "200", "--pixel-size", "4", "--snr", "0.5", "--seed", "1"]
    assert main(["simulate", "--output", str(folder), "--count", str(count), *size]) == 0
    return str(folder / "truth")


@pytest.mark.slow
def test_tuning_writes_a_card_that_picking_follows(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, tuned = simulate(tmp_path / "sim", 3), tmp_path / "tuned.safetensors"
    options = ["--model", str(model), "--centers", "grid-nms,heatmap", "--gpu", "cpu"]
    assert main(["tune", truth, *options, "--output", str(tuned)]) == 0
    text = capsys.readouterr().out
    assert "on other micrographs (cross-validation): F1 0." in text
    card, old = read_card(tuned), read_card(model)
    assert card.name == "tuned"
    assert len(card.provenance.parent) == 64
    assert card.use.threshold < old.use.threshold
    chosen = card.use.selection
    assert str(chosen) in text
    with tuned.with_suffix(".picking.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == (1 + 4 * 8 * 20) * 36
    best = max(rows, key=lambda row: float(row["f1"]))
    for name, value in vars(chosen).items():
        assert best[name] == str(value)
    assert tuned.with_suffix(".picking.png").read_bytes()[:4] == b"\x89PNG"
    assert tuned.with_suffix(".picking.txt").read_text() in text
    assert [row["metric"][:2] for row in card.provenance.metrics] == ["F1", "av"]
    one, other = (load_network(path)[0].state_dict() for path in (model, tuned))
    assert all(torch.equal(one[name], other[name]) for name in one)
    micrograph = str(next((tmp_path / "sim/micrographs").glob("*.mrc")))
    for name, expected in ((model, False), (tuned, True)):
        output = tmp_path / name.stem
        own = ["--diameter", "120", "--model", str(name), "--gpu", "cpu", "--contaminated", "flag"]
        own += ["--output", str(output)]  # a random network calls much contaminated
        assert main(["pick", micrograph, *own]) == 0
        picks = (next((output / "coordinates").glob("*.star"))).read_text().count("\n")
        assert (picks > 20) == expected


def test_one_micrograph_is_not_enough(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = simulate(tmp_path / "sim", 1)
    options = ["--model", str(model), "--gpu", "cpu", "--output", str(tmp_path / "x.safetensors")]
    assert main(["tune", truth, *options]) == 1
    assert "labels of at least 2 micrographs" in capsys.readouterr().err
    assert main(["tune", truth, "--output", str(tmp_path / "x")]) == 1
    assert "ends in .safetensors" in capsys.readouterr().err
    assert main(["tune", truth, *options, "--centers", "magic"]) == 1
