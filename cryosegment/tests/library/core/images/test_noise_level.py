# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from cryosegment.core.images.noise_level import USUAL, noise_level, scale_to_noise

DIAMETER = 20.0
SIDE = 320


@pytest.fixture
def noise() -> torch.Tensor:
    return torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(5))


def with_discs(image: torch.Tensor, count: int, depth: float) -> torch.Tensor:
    """The image with soft, dark discs of the particle's diameter on a grid."""
    steps = torch.arange(SIDE) % 32 - 16
    away = torch.hypot(*torch.meshgrid(steps.float(), steps.float(), indexing="ij"))
    disc = ((DIAMETER / 2 - away) / 3).sigmoid()
    number = (torch.arange(SIDE) // 32)[:, None] * 10 + torch.arange(SIDE) // 32
    return image - depth * disc * (number < count)


def test_the_level_is_the_deviation_of_what_a_blur_removes(noise: torch.Tensor) -> None:
    expected = (noise - gaussian_filter(noise.numpy(), USUAL.finest * DIAMETER)).std()
    for factor in (0.1, 1.0, 700.0):
        level = noise_level(noise * factor, None, DIAMETER) / factor
        assert level.mean() == pytest.approx(float(expected), rel=0.05)
        assert level.std() < 0.05


@pytest.mark.parametrize("count", [1, 10, 100])
def test_particles_do_not_set_the_level(noise: torch.Tensor, count: int) -> None:
    """However many there are, of a hundred that find room, each twice as deep as the noise."""
    without = noise_level(noise, None, DIAMETER)
    level = noise_level(with_discs(noise, count, 2.0), None, DIAMETER)
    assert (level / without - 1).abs().max() < 0.15


def test_what_is_beside_a_film_has_its_own_level(noise: torch.Tensor) -> None:
    film = noise.clone()
    film[:, : SIDE // 2] *= 4
    level = noise_level(film, None, DIAMETER)
    reach = round((USUAL.reach + 2) * USUAL.cell * DIAMETER)
    alone = noise_level(noise, None, DIAMETER)
    torch.testing.assert_close(level[:, -reach:], alone[:, -reach:], atol=0.15, rtol=0)
    torch.testing.assert_close(level[:, :reach], 4 * alone[:, :reach], atol=0.6, rtol=0)
    beside = level[:, SIDE // 2 : SIDE // 2 + int(DIAMETER)]
    assert beside.mean() < 2.2


def test_a_crop_has_the_levels_of_the_whole(noise: torch.Tensor) -> None:
    """Exactly, where no cell around a pixel is cut: both start with a cell."""
    side = round(USUAL.cell * DIAMETER)
    image = with_discs(noise, 40, 3.0)
    whole = scale_to_noise(image, None, DIAMETER)
    crop = scale_to_noise(image[4 * side :, 4 * side :], None, DIAMETER)
    margin = (USUAL.reach + 3) * side
    whole = whole[4 * side + margin :, 4 * side + margin :]
    torch.testing.assert_close(crop[margin:, margin:], whole)


def test_large_values_are_compressed(noise: torch.Tensor) -> None:
    level = noise_level(noise, None, DIAMETER)
    scaled = scale_to_noise(noise, None, DIAMETER)
    np.testing.assert_allclose(scaled, 3 * np.arcsinh(noise / level / 3), atol=1e-5)
    hot = noise.clone()
    hot[100, 100] = 1e6
    assert 10 < scale_to_noise(hot, None, DIAMETER)[100, 100] < 50


def test_an_image_without_noise_has_a_scale(noise: torch.Tensor) -> None:
    """A denoised one: grey levels stay in bounds."""
    smooth = torch.from_numpy(gaussian_filter(noise.numpy(), 12.0))
    scaled = scale_to_noise(smooth / smooth.std(), None, DIAMETER)
    assert 1 < scaled.std() < 10
    assert (scale_to_noise(torch.zeros(64, 64), None, DIAMETER) == 0).all()


def test_invalid_pixels_do_not_reach_the_valid(noise: torch.Tensor) -> None:
    valid = torch.ones_like(noise, dtype=torch.bool)
    valid[:, :90] = False
    spoiled = torch.where(valid, noise, 1e4)
    clean, other = (scale_to_noise(image, valid, DIAMETER) for image in (noise, spoiled))
    torch.testing.assert_close(clean, other)
    assert (clean[~valid] == 0).all()
    alone = scale_to_noise(noise, None, DIAMETER)
    assert clean[:, 120:].std() == pytest.approx(float(alone[:, 120:].std()), rel=0.05)


def test_a_batch_is_its_images_one_by_one(noise: torch.Tensor) -> None:
    batch = torch.stack([noise, noise * 3, noise.flip(0)])[:, None]
    before = batch.clone()
    valid = torch.rand(batch.shape, generator=torch.Generator().manual_seed(1)) > 0.2
    together = scale_to_noise(batch, valid, 12.0)
    for index in range(3):
        alone = scale_to_noise(batch[index, 0], valid[index, 0], 12.0)
        torch.testing.assert_close(together[index, 0], alone)
    assert torch.equal(batch, before)
