# SPDX-License-Identifier: GPL-3.0-or-later
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from cryosegment.core.models.checkpoint import (
    fingerprint,
    load_network,
    save_checkpoint,
)
from cryosegment.core.models.verification import verify
from cryosegment.core.networks import HEADS, build_network
from cryosegment.exchange.card import (
    CARD_KEY,
    ModelCard,
    Provenance,
    TrainedNetwork,
    Use,
    read_card,
)
from cryosegment.exchange.errors import InputError, ModelError
from cryosegment.exchange.params import InputParams

ARGUMENTS = {"widths": [8, 16], "deep_blocks": 1, "normalization": "batch"}
CARD = ModelCard(
    "tiny",
    TrainedNetwork("compact", ARGUMENTS, HEADS),
    InputParams(20.0),
    Use(0.3),
    Provenance(particle_diameters=(5, 9)),
)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return build_network("compact", **ARGUMENTS)


@pytest.fixture
def path(tmp_path: Path, network: nn.Module) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, network, CARD)
    return path


def test_a_model_comes_back(path: Path, network: nn.Module) -> None:
    found, card = load_network(path)
    assert replace(card, checksum=()) == CARD
    assert card == read_card(path)
    assert verify(found, card) == 0
    assert not found.training
    for name, weight in network.state_dict().items():
        expected = weight if "running" in name or "tracked" in name else weight.half().float()
        assert torch.equal(found.state_dict()[name], expected)
    image = torch.randn(1, 1, 20, 28)
    difference = (found(image) - network.eval()(image)).abs().max()
    assert difference < 0.02 * network(image).abs().max()


def test_weights_are_in_half_precision(path: Path, network: nn.Module) -> None:
    """Not so the statistics, which may be beyond its range."""
    weights = {name for name, _ in network.named_parameters()}
    tensors = load_file(path)
    assert {tensors[name].dtype for name in weights} == {torch.float16}
    assert {t.dtype for name, t in tensors.items() if "running" in name} == {torch.float32}


def test_a_model_of_format_1_is_saved_again(tmp_path: Path, network: nn.Module) -> None:
    """With the same weights, and a card that says the same and has a checksum."""
    old, new = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
    first = {
        "name": "old",
        "architecture": "compact",
        "architecture_args": ARGUMENTS,
        "pixels_per_diameter": 20.0,
        "classes": list(HEADS),
        "normalization": "local mean removed, mean 0 and standard deviation 1, clipped at 4",
        "calibration": {"centers": "heatmap", "a": 1.5, "b": 0.5, "c": -0.7},
        "training": {"phases": [{"step": 0, "fingerprint": "ab"}]},
        "format_version": 1,
    }
    halves = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    save_file(halves, old, {CARD_KEY: json.dumps(first)})
    save_checkpoint(new, *load_network(old))
    before, after = load_network(old), load_network(new)
    for name, tensor in before[0].state_dict().items():
        assert torch.equal(after[0].state_dict()[name], tensor)
    assert replace(after[1], checksum=()) == before[1] == read_card(old)
    assert after[1].provenance.training == first["training"]
    assert verify(*after) == 0
    with pytest.raises(ModelError, match="expected a checksum"):
        verify(*before)


def test_saving_changes_nothing(tmp_path: Path, network: nn.Module) -> None:
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    save_checkpoint(tmp_path / "model.safetensors", network, CARD)
    assert network.training
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in before)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_network(tmp_path / "none.safetensors")


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "text.safetensors"
    path.write_text("not a model at all")
    with pytest.raises(ModelError):
        load_network(path)


def test_a_file_without_card(tmp_path: Path, network: nn.Module) -> None:
    path = tmp_path / "bare.safetensors"
    save_file(network.state_dict(), path)
    with pytest.raises(ModelError, match="no model card"):
        load_network(path)


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_truncated_file(path: Path, kept: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(ModelError, match="damaged"):
        load_network(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"arguments": {"widths": [8, 24], "deep_blocks": 1, "normalization": "batch"}},
            "expected the weights",
        ),
        ({"arguments": {"widths": [8, 16], "deep_blocks": 2}}, "expected the weights"),
        ({"arguments": {"depth": 3}}, "this version can build"),
        ({"architecture": "resnet"}, "this version can build"),
        ({"arguments": {"widths": [8, 1000000]}}, "this version can build"),
        ({"arguments": {"widths": [8, 4096]}}, "expected the weights"),
        ({"arguments": {"widths": [8] * 1000}}, "this version can build"),
        ({"arguments": {"deep_blocks": 10**9}}, "this version can build"),
        ({"arguments": {"deep_blocks": float("nan")}}, "this version can build"),
    ],
)
def test_a_card_that_does_not_fit(
    tmp_path: Path, network: nn.Module, change: dict[str, object], message: str
) -> None:
    path = tmp_path / "other.safetensors"
    save_checkpoint(path, network, replace(CARD, network=replace(CARD.network, **change)))
    with pytest.raises(ModelError, match=message):
        load_network(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(tmp_path: Path, network: nn.Module, value: float) -> None:
    path = tmp_path / "nan.safetensors"
    with torch.no_grad():
        next(network.parameters()).view(-1)[0] = value
    save_checkpoint(path, network, CARD)
    with pytest.raises(ModelError, match="expected finite weights"):
        load_network(path)


def test_a_place_that_cannot_be_written(tmp_path: Path, network: nn.Module) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        save_checkpoint(tmp_path / "file" / "model.safetensors", network, CARD)


def test_fingerprint_is_sha256(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")  # the example of FIPS 180-4
    assert fingerprint(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
