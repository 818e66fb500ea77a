# SPDX-License-Identifier: GPL-3.0-or-later
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from cryosegment.core.images.tiles import inner_edges, predict_tiled
from cryosegment.exchange.errors import ParameterError


def smooth(image: Tensor) -> Tensor:
    """Two maps; pixels within 4 of a tile's border are disturbed by the zeros beyond it."""
    mean = avg_pool2d(image[None, None], 9, stride=1, padding=4)[0]
    return torch.cat([mean, -2 * mean])


@pytest.mark.parametrize("shape", [(100, 130), (40, 130), (64, 65), (30, 20)])
@pytest.mark.parametrize("stride", [1, 16])
def test_tiles_give_what_the_whole_image_gives(shape: tuple[int, int], stride: int) -> None:
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    sizes = []

    def recorded(tile: Tensor) -> Tensor:
        sizes.append(tuple(tile.shape))
        return smooth(tile)

    found = predict_tiled(recorded, image, 64, 4, stride)
    torch.testing.assert_close(found, smooth(image), rtol=0, atol=1e-6)
    assert all(max(size) <= 64 for size in sizes)


@pytest.mark.parametrize(
    ("length", "inside", "stride", "edges"),
    [
        (100, 64, 1, [0, 50, 100]),
        (64, 64, 1, [0, 64]),
        (65, 64, 1, [0, 32, 65]),
        (100, 40, 16, [0, 16, 48, 80, 100]),
        (129, 64, 16, [0, 48, 96, 129]),
    ],
)
def test_insides_are_even_and_begin_at_strides(
    length: int, inside: int, stride: int, edges: list[int]
) -> None:
    found = inner_edges(length, inside, stride)
    assert found[0] == 0
    assert found[-1] == length
    assert all(0 < end - start <= inside for start, end in pairwise(found))
    assert all(edge % stride == 0 for edge in found[:-1])
    assert found == edges


def test_tiles_keep_the_phase_of_a_function_that_reduces_its_input() -> None:
    def blocks(tile: Tensor) -> Tensor:
        height, width = tile.shape
        whole = pad(tile, (0, -width % 16, 0, -height % 16))
        means = avg_pool2d(whole[None, None], 16)
        return interpolate(means, scale_factor=16)[0, :, :height, :width]

    image = torch.randn(150, 101, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(predict_tiled(blocks, image, 64, 1, 16), blocks(image))


def test_no_halo() -> None:
    image = torch.arange(60.0).reshape(1, 60)
    assert torch.equal(predict_tiled(lambda tile: tile[None], image, 16, 0)[0], image)


def test_a_tile_needs_an_inside() -> None:
    with pytest.raises(ParameterError, match="at least 33 px"):
        predict_tiled(lambda tile: tile[None], torch.zeros(64, 64), 32, 16)
