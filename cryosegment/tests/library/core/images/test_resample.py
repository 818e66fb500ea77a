# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.signal import resample

from cryosegment.core.images.resample import fourier_crop, resample_labels

SHAPES = [(24, 30), (25, 31), (24, 31), (300, 28)]
TARGETS = [(12, 14), (11, 13), (12, 13), (24, 30), (40, 52), (41, 51), (12, 52), (7, 28)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("target", TARGETS)
def test_agrees_with_scipy(shape: tuple[int, int], target: tuple[int, int]) -> None:
    image = np.random.default_rng(1).normal(5, 2, shape).astype(np.float32)
    found = fourier_crop(torch.from_numpy(image), *target)
    expected = resample(resample(image.astype(np.float64), target[1], axis=1), target[0], axis=0)
    assert found.shape == target
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-5)


def test_several_images_are_resampled_one_by_one() -> None:
    images = torch.randn(2, 3, 25, 24, generator=torch.Generator().manual_seed(0))
    found = fourier_crop(images, 11, 30)
    expected = [[fourier_crop(image, 11, 30) for image in row] for row in images]
    torch.testing.assert_close(found, torch.stack([torch.stack(row) for row in expected]))


def test_sample_i_lies_at_i_times_the_scale() -> None:
    y, x = torch.meshgrid(torch.arange(60.0), torch.arange(90.0), indexing="ij")
    image = torch.exp(-((y - 20) ** 2 + (x - 33) ** 2) / (2 * 6.0**2))
    small = fourier_crop(image, 30, 30)
    assert divmod(int(small.argmax()), 30) == (10, 11)
    np.testing.assert_allclose(small.mean(), image.mean(), rtol=1e-5)


def test_argument_is_kept() -> None:
    image = torch.randn(16, 16, generator=torch.Generator().manual_seed(0))
    before = image.clone()
    fourier_crop(image, 8, 8)
    assert torch.equal(image, before)


@pytest.mark.parametrize("shape", [(6, 9), (60, 33), (23, 90), (1, 5)])
def test_labels_are_those_of_the_nearest_pixel(shape: tuple[int, int]) -> None:
    labels = np.arange(6 * 9, dtype=np.int16).reshape(6, 9)
    found = resample_labels(labels, shape)
    assert (found.shape, found.dtype) == (shape, np.int16)
    for axis, places in enumerate(np.unravel_index(found, labels.shape)):
        wanted = np.arange(shape[axis]) * labels.shape[axis] / shape[axis]
        shortest = np.abs(np.arange(labels.shape[axis])[:, None] - wanted).min(axis=0)
        chosen = np.abs(np.moveaxis(places, axis, -1) - wanted)
        np.testing.assert_allclose(chosen, np.broadcast_to(shortest, chosen.shape), atol=1e-9)
