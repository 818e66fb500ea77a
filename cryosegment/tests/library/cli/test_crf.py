# SPDX-License-Identifier: GPL-3.0-or-later
import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cryosegment.cli.main import main
from cryosegment.core.crf import refine_logits
from cryosegment.core.images.micrograph import read_image
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.models.model import load_model
from cryosegment.core.networks import HEADS, build_network
from cryosegment.exchange.card import ModelCard, TrainedNetwork, Use, read_card
from cryosegment.exchange.params import CRF_PRESETS, InputParams
from cryosegment.tests.machine import NO_DENSECRF, has_densecrf

ARGUMENTS = {"widths": [8, 8], "deep_blocks": 1, "normalization": "batch"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated micrographs, a network that has seen nothing, and its maps."""
    folder = tmp_path_factory.mktemp("crf")
    torch.manual_seed(2)
    network: nn.Module = build_network("compact", **ARGUMENTS)
    network.head.weight.data *= 20  # type: ignore[union-attr,operator]
    card = ModelCard(
        "tiny",
        TrainedNetwork("compact", ARGUMENTS, HEADS),
        InputParams(12.0),
        Use(crf=CRF_PRESETS["gaussian"]),
    )
    save_checkpoint(folder / "tiny.safetensors", network, card)
    size = ["--size", "160", "200", "--pixel-size", "4", "--snr", "0.5", "--seed", "1"]
    assert main(["simulate", "--output", str(folder / "sim"), "--count", "2", *size]) == 0
    micrographs = sorted(str(path) for path in (folder / "sim/micrographs").glob("*.mrc"))
    options = ["--diameter", "120", "--model", str(folder / "tiny.safetensors"), "--gpu", "cpu"]
    output = ["--output", str(folder / "picks"), "--maps", "--crf", "none"]
    assert main(["pick", *micrographs, *options, *output]) == 0
    return folder


def refine(scene: Path, output: Path, *options: str) -> int:
    return main(["crf", str(scene / "picks"), "--output", str(output), "--gpu", "cpu", *options])


def maps(folder: Path) -> dict[str, np.ndarray]:
    files = sorted((folder / "probability").glob("*.mrc"))
    return {path.stem: read_image(path)[0].astype(np.float32) for path in files}


@pytest.mark.slow
def test_saved_maps_are_refined(scene: Path, tmp_path: Path) -> None:
    assert refine(scene, tmp_path) == 0
    before, after = maps(scene / "picks"), maps(tmp_path)
    assert sorted(before) == sorted(after)
    for name, values in before.items():
        logits = torch.logit(torch.from_numpy(values), 5e-4)
        known = torch.from_numpy(values > 0)  # 0 marks the dead border
        refined = refine_logits(logits, {}, CRF_PRESETS["gaussian"], known)
        np.testing.assert_allclose(after[name], refined.sigmoid() * known, atol=2e-3)
        assert np.abs(after[name] - values).max() > 0.01
    size = {read_image(path)[1] for path in (tmp_path / "probability").glob("*.mrc")}
    assert size == {read_image(p)[1] for p in (scene / "picks/probability").glob("*.mrc")}


@pytest.mark.parametrize(
    "options",
    [
        ["--crf", "intensity"],
        ["--crf", "denoised", "--solver", "icm"],
        ["--crf", "logits", "--engine", "windows", "--iterations", "2"],
        pytest.param(
            ["--engine", "pydensecrf", "--appearance", "logits:1:5:1,intensity:0.5:5:0.5"],
            marks=pytest.mark.skipif(not has_densecrf(), reason=NO_DENSECRF),
        ),
    ],
)
def test_other_choices(scene: Path, tmp_path: Path, options: list[str]) -> None:
    assert refine(scene, tmp_path, *options) == 0
    plain = tmp_path / "plain"
    assert refine(scene, plain) == 0
    for name, values in maps(plain).items():
        found = maps(tmp_path)[name]
        assert np.isfinite(found).all()
        assert 0 <= found.min() <= found.max() <= 1
        assert np.abs(found - values).max() > 0.01


def test_strength_and_resume(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refine(scene, tmp_path, "--strength", "0") == 0
    for name, values in maps(scene / "picks").items():
        np.testing.assert_allclose(maps(tmp_path)[name], values, atol=1.5e-3)
    first, second = sorted((tmp_path / "probability").glob("*.mrc"))
    first.unlink()
    stamp = second.stat().st_mtime_ns
    assert refine(scene, tmp_path, "--strength", "0", "--resume") == 0
    assert first.exists()
    assert second.stat().st_mtime_ns == stamp
    assert refine(scene, tmp_path, "--strength", "0") == 0
    assert second.stat().st_mtime_ns > stamp
    few = tmp_path / "few"
    shutil.copytree(scene / "picks", few)
    (few / "probability" / first.name).unlink()
    arguments = ["crf", str(few), "--output", str(tmp_path), "--gpu", "cpu", "--strength", "0"]
    assert main(arguments) == 1
    assert f"results of 1 other micrographs, such as {first.stem}" in capsys.readouterr().err


def test_what_maps_cannot_give(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refine(scene, tmp_path, "--crf", "network") == 1
    assert "choose the feature logits" in capsys.readouterr().err
    assert main(["crf", str(scene), "--output", str(tmp_path)]) == 1
    assert "expected maps in" in capsys.readouterr().err
    assert refine(scene, tmp_path, "--appearance", "logits:1") == 1
    assert "expected appearance as" in capsys.readouterr().err


def test_maps_of_another_command(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = (scene / "picks/job.json").read_text()
    assert refine(scene, scene / "picks") == 1
    assert "is an output of `cryosegment pick`" in capsys.readouterr().err
    assert (scene / "picks/job.json").read_text() == job
    assert refine(scene, tmp_path / "once") == 0
    twice = ["crf", str(tmp_path / "once"), "--output", str(tmp_path / "twice"), "--gpu", "cpu"]
    assert main(twice) == 1
    assert "found that of `cryosegment crf`: give a folder made" in capsys.readouterr().err
    assert not (tmp_path / "twice").exists()


def test_a_map_that_fails_is_listed(scene: Path, tmp_path: Path) -> None:
    copy = tmp_path / "picks"
    shutil.copytree(scene / "picks", copy)
    first, second = sorted((copy / "probability").glob("*.mrc"))
    first.write_bytes(b"nothing")
    output = tmp_path / "out"
    assert main(["crf", str(copy), "--output", str(output), "--gpu", "cpu"]) == 3
    assert first.stem in (output / "failures.csv").read_text()
    assert list(maps(output)) == [second.stem]


def test_tuning_writes_a_card_that_picking_follows(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned = tmp_path / "tuned.safetensors"
    labels, model = str(scene / "sim/truth"), str(scene / "tiny.safetensors")
    options = ["--model", model, "--trials", "7", "--gpu", "cpu", "--output", str(tuned)]
    assert main(["crf", "tune", labels, *options]) == 0
    assert "no CRF: pixel IoU" in capsys.readouterr().out
    card, old = read_card(tuned), read_card(model)
    assert card.name == "tuned"
    assert len(card.provenance.parent) == 64
    assert card.use.crf.temperature > 0
    assert card.use.crf != old.use.crf
    assert [row["metric"] for row in card.provenance.metrics] == [
        "pixel IoU",
        "boundary F1 at 2 px",
    ]
    for one, other in zip(
        load_model(str(tuned)).network.parameters(),
        load_model(model).network.parameters(),
        strict=True,
    ):
        assert torch.equal(one, other)
    with tuned.with_suffix(".crf.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    best = max(float(row["score"]) for row in rows)
    chosen = card.use.crf
    if chosen is None:
        assert float(rows[0]["score"]) <= best
    else:
        match = next(row for row in rows if float(row["score"]) == best)
        assert match["appearance"] == ";".join(chosen.appearance)


def test_one_micrograph_judges_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = ["--size", "160", "200", "--pixel-size", "4", "--snr", "0.5"]
    assert main(["simulate", "--output", str(tmp_path / "sim"), "--count", "1", *size]) == 0
    output = ["--output", str(tmp_path / "tuned.safetensors")]
    assert main(["crf", "tune", str(tmp_path / "sim/truth"), *output]) == 1
    assert "at least 2 micrographs" in capsys.readouterr().err


def test_tuning_needs_a_model_name(scene: Path, tmp_path: Path) -> None:
    assert main(["crf", "tune", str(scene / "sim/truth"), "--output", str(tmp_path / "x")]) == 1
