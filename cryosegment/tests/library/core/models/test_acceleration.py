# SPDX-License-Identifier: GPL-3.0-or-later
import logging
import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from cryosegment.core.models import acceleration
from cryosegment.core.models.acceleration import (
    InBfloat16,
    accelerate,
    computes_bfloat16,
    fold_normalizations,
)
from cryosegment.core.models.inference import network_stride


class Twice(nn.Module):
    """A convolution, a rectifier in place, and a normalisation of what that leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 6, 3, padding=1)
        self.rectify = nn.ReLU(inplace=True)
        self.norm = nn.BatchNorm2d(6)

    def forward(self, image: Tensor) -> Tensor:
        return self.norm(self.rectify(self.convolution(image)))


class Skipping(nn.Module):
    """A convolution whose output also goes around its normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)

    def forward(self, image: Tensor) -> Tensor:
        maps = self.convolution(image)
        return torch.cat((maps, self.norm(maps)), 1)


class Steep(nn.Module):
    """Logits that are what bfloat16 cuts off, made large."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.head = nn.Conv2d(1, 6, 1, bias=False)
        nn.init.constant_(self.head.weight, 0.3)

    def forward(self, image: Tensor) -> Tensor:
        return self.factor * (self.head(image).float() - 0.3 * image)


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
    assert not any(weight.requires_grad for weight in folded.parameters())
    torch.testing.assert_close(folded(image), plain(image), atol=1e-6, rtol=0)


def test_the_trained_network_stays_as_it_is(plain: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    accelerate(plain)
    after = plain.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert all(weight.requires_grad for weight in plain.parameters())


@pytest.mark.parametrize("kind", [Twice, Skipping])
def test_what_changes_in_between_or_has_other_uses_is_not_folded(kind: type[nn.Module]) -> None:
    network = kind()
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


@pytest.mark.parametrize(("factor", "is_close"), [(10.0, True), (200.0, False), (1e4, False)])
def test_a_network_that_bfloat16_changes_stays_in_float32(
    factor: float,
    is_close: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(acceleration, "computes_bfloat16", lambda: True)
    with caplog.at_level(logging.WARNING):
        assert isinstance(accelerate(Steep(factor).eval()), InBfloat16 if is_close else Steep)
    warning = "stays in float32: bfloat16 changes probabilities by"
    assert (warning in caplog.text) != is_close


def test_the_stride_of_a_network_stays(plain: nn.Module) -> None:
    plain.stride = 32
    assert network_stride(InBfloat16(plain)) == 32
    assert network_stride(fold_normalizations(plain)) == 32


@pytest.mark.parametrize("avx", [True, False])
@pytest.mark.parametrize("amx", [True, False])
def test_either_kind_of_instructions_does(
    avx: bool, amx: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    assert computes_bfloat16() == (avx or amx)


@pytest.mark.slow
def test_folding_loads_no_compiler() -> None:
    """It takes a second of every run."""
    code = (
        "import sys; from torch import nn; "
        "from cryosegment.core.models.acceleration import fold_normalizations; "
        "fold_normalizations(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).eval()); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
