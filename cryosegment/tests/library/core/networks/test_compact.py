# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.special import expit

from cryosegment.core.networks.blocks import ResidualBlock, UpBlock
from cryosegment.core.networks.compact import CompactUNet
from cryosegment.exchange.params.networks import GROUP_NORM

NAMES = """
down.0.first.weight down.0.first_norm.weight down.0.first_norm.bias
down.0.second.weight down.0.second_norm.weight down.0.second_norm.bias down.0.shortcut.weight
down.1.first.weight down.1.first_norm.weight down.1.first_norm.bias
down.1.second.weight down.1.second_norm.weight down.1.second_norm.bias down.1.shortcut.weight
deep.0.first.weight deep.0.first_norm.weight deep.0.first_norm.bias
deep.0.second.weight deep.0.second_norm.weight deep.0.second_norm.bias
up.0.lateral.weight up.0.lateral.bias
up.0.refine.first.weight up.0.refine.first_norm.weight up.0.refine.first_norm.bias
up.0.refine.second.weight up.0.refine.second_norm.weight up.0.refine.second_norm.bias
head.weight head.bias
"""


@pytest.fixture
def network() -> CompactUNet:
    torch.manual_seed(0)
    return CompactUNet(widths=(8, 16), deep_blocks=1).eval()


def silu(values: np.ndarray) -> np.ndarray:
    return values * expit(values)


def statistics(layer: torch.nn.BatchNorm2d) -> None:
    """As if it had seen some batches."""
    torch.nn.init.normal_(layer.running_mean)
    torch.nn.init.uniform_(layer.running_var, 0.5, 2.0)


def normalized(values: np.ndarray, layer: torch.nn.BatchNorm2d) -> np.ndarray:
    """`(c, 1)` by the statistics that the layer has gathered."""
    mean, variance = (part.numpy()[:, None] for part in (layer.running_mean, layer.running_var))
    return (values - mean) / np.sqrt(variance + 1e-5)


def test_the_names_that_model_files_hold(network: CompactUNet) -> None:
    assert [name for name, _ in network.named_parameters()] == NAMES.split()
    earlier = CompactUNet(widths=(8, 16), deep_blocks=1, normalization=GROUP_NORM)
    assert list(earlier.state_dict()) == NAMES.split()


def test_the_default_is_compact() -> None:
    weights = sum(weight.numel() for weight in CompactUNet().parameters())
    assert 4e6 < weights < 8e6


@pytest.mark.parametrize("size", [(32, 32), (37, 50), (4, 4), (5, 101)])
def test_maps_have_the_size_of_the_image(network: CompactUNet, size: tuple[int, int]) -> None:
    image = torch.randn(2, 1, *size)
    before = image.clone()
    assert network(image).shape == (2, 6, *size)
    assert torch.equal(image, before)


def test_padding_leaves_whole_multiples_alone(network: CompactUNet) -> None:
    image = torch.randn(1, 1, 30, 26)
    wide = torch.zeros(1, 1, 32, 28)
    wide[..., :30, :26] = image
    torch.testing.assert_close(network(image), network(wide)[..., :30, :26])


def test_images_of_a_batch_do_not_mix(network: CompactUNet) -> None:
    images = torch.randn(3, 1, 24, 24)
    one_by_one = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), one_by_one, rtol=1e-4, atol=1e-5)


def test_residual_block_by_hand() -> None:
    """1 x 1 images: only the middle of each 3 x 3 kernel counts."""
    torch.manual_seed(3)
    block = ResidualBlock(4, 16).eval()
    statistics(block.first_norm)
    statistics(block.second_norm)
    x = torch.randn(1, 4, 1, 1)
    first, second = (
        layer.weight[:, :, 1, 1].detach().numpy() for layer in (block.first, block.second)
    )
    shortcut = block.shortcut.weight[:, :, 0, 0].detach().numpy()
    values = x[0, :, 0].numpy()
    hidden = silu(normalized(first @ values, block.first_norm))
    expected = silu(normalized(second @ hidden, block.second_norm) + shortcut @ values)
    np.testing.assert_allclose(block(x)[0, :, 0].detach().numpy(), expected, atol=1e-5)


def test_up_block_adds_the_nearest_coarse_pixel() -> None:
    block = UpBlock(8, 8)
    block.refine = torch.nn.Identity()
    coarse, fine = torch.randn(1, 8, 2, 3), torch.randn(1, 8, 4, 6)
    weight, bias = block.lateral.weight[:, :, 0, 0], block.lateral.bias
    found = block(coarse, fine)
    for y, x in np.ndindex(4, 6):
        expected = weight @ coarse[0, :, y // 2, x // 2] + bias + fine[0, :, y, x]
        torch.testing.assert_close(found[0, :, y, x], expected)
