# SPDX-License-Identifier: GPL-3.0-or-later
import copy
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from cryosegment.core.training.fit.state import (
    TrainingProgress,
    load_average,
    load_best,
    load_state,
    relabel_state,
    remove_state,
    save_best,
    save_state,
)
from cryosegment.exchange.errors import InputError, ModelError

PROGRESS = TrainingProgress(7, 1.5, 0.25, {"threshold": 0.4}, [{"step": 7.0, "score": 0.25}])


def optimizer_of(network: nn.Module) -> torch.optim.AdamW:
    return torch.optim.AdamW(network.parameters(), lr=0.1)


def train_a_step(network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    network(torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8)).square().mean().backward()
    optimizer.step()


@pytest.fixture
def saved(tmp_path: Path, tiny_network: nn.Module) -> tuple[Path, nn.Module, torch.optim.AdamW]:
    """A state after two steps, and what was saved."""
    optimizer = optimizer_of(tiny_network)
    for _ in range(2):
        train_a_step(tiny_network, optimizer)
    average = copy.deepcopy(tiny_network)
    average.head.bias.data += 1
    path = tmp_path / "model.state.safetensors"
    save_state(path, tiny_network, average, optimizer, PROGRESS)
    return path, tiny_network, optimizer


def test_a_restored_training_takes_the_same_steps(
    saved: tuple[Path, nn.Module, torch.optim.AdamW],
) -> None:
    path, network, optimizer = saved
    other, average = copy.deepcopy(network), copy.deepcopy(network)
    for weight in other.parameters():
        weight.data.zero_()
    restored = optimizer_of(other)
    assert load_state(path, other, average, restored) == PROGRESS
    torch.testing.assert_close(average.head.bias, network.head.bias + 1)
    for _ in range(2):
        train_a_step(network, optimizer)
        train_a_step(other, restored)
    for mine, yours in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, yours)


def test_a_state_of_an_earlier_version(
    saved: tuple[Path, nn.Module, torch.optim.AdamW],
) -> None:
    """It has the threshold of the best score in a field of its own."""
    path, network, optimizer = saved
    progress = asdict(PROGRESS)
    progress.update(best_threshold=progress.pop("best")["threshold"])
    save_file(load_file(path), path, {"progress": json.dumps(progress)})
    assert load_state(path, network, copy.deepcopy(network), optimizer) == PROGRESS


def test_the_average_of_a_state(
    saved: tuple[Path, nn.Module, torch.optim.AdamW], tiny_network: nn.Module
) -> None:
    """It is what was saved as the average, not the network itself."""
    path, network, _ = saved
    network.load_state_dict({name: 0 * value for name, value in network.state_dict().items()})
    load_average(path, network)
    tensors = load_file(path)
    for name, value in network.state_dict().items():
        assert torch.equal(value, tensors[f"average.{name}"])
    assert any(
        not torch.equal(value, tensors[f"network.{name}"])
        for name, value in network.state_dict().items()
    )


def test_a_training_goes_on_with_other_labels(
    saved: tuple[Path, nn.Module, torch.optim.AdamW],
) -> None:
    """From the same weights, and what was the best does not count any more."""
    path, network, _ = saved
    assert relabel_state(path, "others") == 7
    other, average = copy.deepcopy(network), copy.deepcopy(network)
    for weight in other.parameters():
        weight.data.zero_()
    found = load_state(path, other, average, optimizer_of(other))
    assert found == replace(PROGRESS, labels="others", best_score=-1.0)
    for mine, yours in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, yours)


def test_a_state_of_another_network(saved: tuple[Path, nn.Module, torch.optim.AdamW]) -> None:
    other = nn.Conv2d(1, 1, 1)
    with pytest.raises(ModelError, match="state of this network"):
        load_state(saved[0], other, copy.deepcopy(other), optimizer_of(other))


@pytest.mark.parametrize("kept", [0, 20, 4000])
def test_a_damaged_state(saved: tuple[Path, nn.Module, torch.optim.AdamW], kept: int) -> None:
    path, network, optimizer = saved
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelError, match="damaged"):
        load_state(path, network, copy.deepcopy(network), optimizer)


@pytest.mark.parametrize("metadata", [None, {"progress": "{"}, {"progress": '{"lap": 1}'}])
def test_a_file_that_is_no_state(
    tmp_path: Path, tiny_network: nn.Module, metadata: dict[str, str] | None
) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path, metadata)
    with pytest.raises(ModelError, match="other file"):
        load_state(path, tiny_network, copy.deepcopy(tiny_network), optimizer_of(tiny_network))


def test_the_best_network_comes_back_exactly(tmp_path: Path, tiny_network: nn.Module) -> None:
    path = tmp_path / "best.safetensors"
    network = tiny_network.to(memory_format=torch.channels_last)
    save_best(path, network)
    other = copy.deepcopy(network)
    other.head.bias.data += 1
    load_best(path, other)
    assert torch.equal(other.head.bias, network.head.bias)


def test_a_best_network_that_is_gone_or_damaged(tmp_path: Path, tiny_network: nn.Module) -> None:
    path = tmp_path / "best.safetensors"
    with pytest.raises(ModelError, match="without resume"):
        load_best(path, tiny_network)
    path.write_bytes(b"?" * 100)
    with pytest.raises(ModelError, match="without resume"):
        load_best(path, tiny_network)


def test_removing_a_state(saved: tuple[Path, nn.Module, torch.optim.AdamW]) -> None:
    remove_state(saved[0])
    assert not saved[0].exists()
    remove_state(saved[0])
    saved[0].mkdir()
    with pytest.raises(InputError, match="cannot remove"):
        remove_state(saved[0])


def test_a_place_that_cannot_be_written(tmp_path: Path, tiny_network: nn.Module) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "model.safetensors"
    with pytest.raises(InputError, match="cannot write"):
        save_best(path, tiny_network)
    with pytest.raises(InputError, match="cannot write"):
        save_state(path, tiny_network, tiny_network, optimizer_of(tiny_network), PROGRESS)
