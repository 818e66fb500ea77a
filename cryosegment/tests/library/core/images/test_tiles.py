# SPDX-License-Identifier: GPL-3.0-or-later
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from cryosegment.core.images.tiles import predict_tiled, tile_starts
from cryosegment.exchange.errors import ParameterError


def smooth(image: Tensor) -> Tensor:
    """Two maps; pixels within 4 of a tile's border are disturbed by the zeros beyond it."""
    mean = avg_pool2d(image[None, None], 9, stride=1, padding=4)[0]
    return torch.cat([mean, -2 * mean])


@pytest.mark.parametrize("shape", [(100, 130), (40, 130), (64, 65), (30, 20)])
def test_tiles_give_what_the_whole_image_gives(shape: tuple[int, int]) -> None:
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    sizes = []

    def recorded(tile: Tensor) -> Tensor:
        sizes.append(tuple(tile.shape))
        return smooth(tile)

    torch.testing.assert_close(predict_tiled(recorded, image, 64, 8), smooth(image))
    assert all(max(size) <= 64 for size in sizes)
    assert len(set(sizes)) == 1


def test_blending_leaves_no_seam() -> None:
    """Tiles that disagree by a constant are joined by a slope, not by a step."""
    offsets = iter([0.0, 1.0])
    joined = predict_tiled(lambda tile: (tile + next(offsets))[None], torch.zeros(8, 50), 32, 7)[0]
    assert joined[0, 0] == 0
    assert joined[0, -1] == 1
    steps = joined[0].diff()
    assert steps.max() < 0.2
    assert (steps >= 0).all()


@pytest.mark.parametrize(("length", "tile", "halo"), [(100, 64, 8), (65, 64, 8), (5000, 512, 32)])
def test_starts_cover_the_axis(length: int, tile: int, halo: int) -> None:
    starts = tile_starts(length, tile, halo)
    assert starts[0] == 0
    assert starts[-1] + tile == length
    assert all(second - first <= tile - 2 * halo for first, second in pairwise(starts))


@pytest.mark.parametrize("length", [65, 100, 129, 5000])
def test_starts_are_multiples_of_the_stride(length: int) -> None:
    starts = tile_starts(length, 64, 8, 16)
    assert all(start % 16 == 0 for start in starts)
    assert all(second - first <= 64 - 2 * 8 for first, second in pairwise(starts))
    assert 0 <= starts[-1] + 64 - length < 16


def test_tiles_keep_the_phase_of_a_function_that_reduces_its_input() -> None:
    def blocks(tile: Tensor) -> Tensor:
        height, width = tile.shape
        whole = pad(tile, (0, -width % 16, 0, -height % 16))
        means = avg_pool2d(whole[None, None], 16)
        return interpolate(means, scale_factor=16)[0, :, :height, :width]

    image = torch.randn(150, 101, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(predict_tiled(blocks, image, 64, 16, 16), blocks(image))


def test_no_halo() -> None:
    image = torch.arange(60.0).reshape(1, 60)
    assert torch.equal(predict_tiled(lambda tile: tile[None], image, 16, 0)[0], image)


def test_a_tile_needs_an_inside() -> None:
    with pytest.raises(ParameterError, match="at least 33 px"):
        predict_tiled(lambda tile: tile[None], torch.zeros(64, 64), 32, 16)
