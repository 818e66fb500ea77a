# SPDX-License-Identifier: GPL-3.0-or-later
import logging

import pytest
import torch
from torch import Tensor, nn

from cryosegment.core import acceleration
from cryosegment.core.acceleration import InBfloat16, accelerate, fold_normalizations


class Twice(nn.Module):
    """A convolution, a rectifier in place, and a normalisation of what that leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 6, 3, padding=1)
        self.rectify = nn.ReLU(inplace=True)
        self.norm = nn.BatchNorm2d(6)

    def forward(self, image: Tensor) -> Tensor:
        return self.norm(self.rectify(self.convolution(image)))


class Steep(nn.Module):
    """Logits that a small change of the input turns over."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(1, 6, 1)

    def forward(self, image: Tensor) -> Tensor:
        return 1e4 * (self.head(image).float() - self.head.weight[0, 0, 0, 0] * image)


@pytest.fixture
def plain() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6))
    layers(torch.randn(4, 1, 32, 32))
    return layers.eval()


def test_a_normalisation_becomes_part_of_the_convolution(plain: nn.Module) -> None:
    image = torch.randn(1, 1, 40, 30)
    folded = fold_normalizations(plain)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    torch.testing.assert_close(folded(image), plain(image), atol=1e-6, rtol=0)


def test_the_trained_network_stays_as_it_is(plain: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    accelerate(plain)
    after = plain.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert all(weight.requires_grad for weight in plain.parameters())


def test_what_changes_in_between_is_not_folded() -> None:
    network = Twice()
    network(torch.randn(4, 1, 32, 32))
    image = torch.randn(1, 1, 40, 30)
    assert torch.equal(fold_normalizations(network.eval())(image), network(image))


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_where_the_processor_has_it(
    plain: nn.Module, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceleration, "computes_bfloat16", lambda: has)
    quick, image = accelerate(plain), torch.randn(1, 1, 40, 30)
    assert isinstance(quick, InBfloat16) == has
    found = quick(image)
    assert found.dtype == torch.float32
    rounded = found.bfloat16().float()
    assert torch.equal(found, rounded) == has
    torch.testing.assert_close(found, plain(image), atol=0.05, rtol=0.02)


def test_a_network_that_bfloat16_changes_stays_in_float32(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acceleration, "computes_bfloat16", lambda: True)
    with caplog.at_level(logging.WARNING):
        assert isinstance(accelerate(Steep().eval()), Steep)
    assert "stays in float32: bfloat16 changes probabilities by" in caplog.text
