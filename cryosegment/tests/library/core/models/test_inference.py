# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter
from scipy.special import expit
from torch import nn

from cryosegment.core.models.inference import picking_maps, predict_logits, predict_maps
from cryosegment.exchange.errors import ParameterError
from cryosegment.tests.machine import NO_GPU


@pytest.fixture
def network() -> nn.Module:
    """Six multiples of the mean over 5 x 5 pixels."""
    layer = nn.Conv2d(1, 6, 5, padding=2, bias=False)
    layer.weight.data[:] = (torch.arange(6.0) / 25)[:, None, None, None]
    return layer.eval()


@pytest.mark.parametrize("shape", [(40, 70), (150, 90), (64, 64)])
def test_logits_in_tiles_or_at_once(network: nn.Module, shape: tuple[int, int]) -> None:
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    mean = uniform_filter(image.numpy(), 5, mode="constant")
    found = predict_logits(network, image, tile=64, halo=8)
    assert found.shape == (6, *shape)
    np.testing.assert_allclose(found.numpy(), np.arange(6)[:, None, None] * mean, atol=1e-5)


def test_no_gradient_is_kept(network: nn.Module) -> None:
    assert not predict_logits(network, torch.zeros(20, 20)).requires_grad


def test_a_tile_without_inside(network: nn.Module) -> None:
    with pytest.raises(ParameterError, match="tile"):
        predict_logits(network, torch.zeros(40, 70), tile=16, halo=8)


@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)
def test_tiles_on_a_gpu(network: nn.Module) -> None:
    image = torch.randn(90, 150)
    expected = predict_logits(network, image, tile=64, halo=8)
    found = predict_logits(network.cuda(), image, tile=64, halo=8)
    assert found.is_cuda
    torch.testing.assert_close(found.cpu(), expected, atol=0.02, rtol=0.01)


def test_every_head_has_its_channel() -> None:
    logits = torch.randn(6, 4, 5, generator=torch.Generator().manual_seed(1))
    valid = torch.ones(4, 5, dtype=torch.bool)
    valid[0] = False
    maps = picking_maps(logits, valid)
    values = logits.numpy()
    np.testing.assert_allclose(maps.particle.numpy(), expit(values[0]) * valid.numpy(), rtol=1e-5)
    np.testing.assert_allclose(maps.center.numpy(), expit(values[1]) * valid.numpy(), rtol=1e-5)
    np.testing.assert_allclose(maps.contamination.numpy(), expit(values[5]), rtol=1e-5)
    assert torch.equal(maps.offsets, logits[2:4])
    assert torch.equal(maps.valid, valid)


def test_maps_of_an_image(network: nn.Module) -> None:
    image, valid = torch.randn(12, 9), torch.ones(12, 9, dtype=torch.bool)
    maps = predict_maps(network, image, valid)
    assert torch.equal(maps.offsets, predict_logits(network, image)[2:4])
    assert torch.equal(maps.particle, torch.full((12, 9), 0.5))  # the first multiple is 0
