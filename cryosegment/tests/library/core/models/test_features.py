# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from torch import nn

from cryosegment.core.models.features import predict_features
from cryosegment.core.networks import build_network
from cryosegment.exchange.errors import ModelError


class Shuffled(nn.Module):
    """Its head sees means over 2 x 2 pixels."""

    stride = 2

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(1, 4, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return nn.functional.pixel_shuffle(self.head(nn.functional.avg_pool2d(image, 2)), 2)


def test_maps_are_what_enters_the_head_at_the_size_of_the_image() -> None:
    rows, columns = np.mgrid[:32, :48]
    image = torch.from_numpy(rows + 0.5 * columns).float()
    found = predict_features(Shuffled().eval(), image, 2048, 64)
    assert found.shape == (1, 32, 48)
    inside = (slice(2, -2), slice(2, -2))  # interpolation of a plane is exact away from the border
    torch.testing.assert_close(found[0][inside], image[inside])


def test_tiles_change_nothing() -> None:
    torch.manual_seed(0)
    network, image = Shuffled().eval(), torch.randn(96, 80)
    whole = predict_features(network, image, 2048, 8)
    tiled = predict_features(network, image, 48, 8)
    torch.testing.assert_close(tiled[0, 8:-8, 8:-8], whole[0, 8:-8, 8:-8], atol=1e-5, rtol=0)


def test_the_default_network() -> None:
    network = build_network("compact", widths=(8, 16), deep_blocks=1).eval()
    found = predict_features(network, torch.randn(37, 50), 2048, 64)
    assert found.shape == (8, 37, 50)  # maps, h, w
    assert not network.head._forward_pre_hooks


def test_a_network_without_a_head() -> None:
    with pytest.raises(ModelError, match="a layer named head, got Conv2d"):
        predict_features(nn.Conv2d(1, 6, 1), torch.zeros(8, 8), 64, 8)
