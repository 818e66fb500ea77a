# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.images.cryosegnet import (
    GUIDED_EPSILON,
    GUIDED_SIDE,
    WIENER_K,
    WIENER_SIDE,
    WIENER_SIGMA,
    denoise_cryosegnet,
    grey_levels,
    guided_filter,
    wiener_filter,
)


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((30, 26)).astype(np.float32)


def test_the_guided_filter_agrees_with_a_fit_in_every_window(noise: np.ndarray) -> None:
    guide = 100 + 20 * noise
    image = 0.5 * guide + 10 * np.random.default_rng(1).standard_normal(noise.shape)
    half = GUIDED_SIDE // 2
    wide = [np.pad(plane.astype(float), 2 * half, mode="symmetric") for plane in (guide, image)]
    lines = np.empty((noise.shape[0] + 2 * half, noise.shape[1] + 2 * half, 2))
    for y, x in np.ndindex(*lines.shape[:2]):
        g, p = (plane[y : y + GUIDED_SIDE, x : x + GUIDED_SIDE].ravel() for plane in wide)
        slope = np.cov(g, p, bias=True)[0, 1] / (g.var() + GUIDED_EPSILON)
        lines[y, x] = slope, p.mean() - slope * g.mean()
    expected = np.empty_like(guide)
    for y, x in np.ndindex(*guide.shape):
        slope, offset = lines[y : y + GUIDED_SIDE, x : x + GUIDED_SIDE].reshape(-1, 2).mean(0)
        expected[y, x] = slope * guide[y, x] + offset
    inner = np.s_[half:-half, half:-half]
    found = guided_filter(image.astype(np.float32), guide.astype(np.float32))
    np.testing.assert_allclose(found[inner], expected[inner], rtol=1e-4)


def test_the_wiener_filter_solves_the_regularised_deconvolution() -> None:
    """Least squares with the matrix of the periodic blur written out."""
    side, half = 11, WIENER_SIDE // 2
    image = np.random.default_rng(2).standard_normal((side, side)).astype(np.float32)
    line = np.exp(-0.5 * (np.arange(-half, half + 1) / WIENER_SIGMA) ** 2)
    line /= line.sum()
    blur = np.zeros((side, side))
    for i in range(side):
        for step, weight in zip(range(-half, half + 1), line, strict=True):
            blur[i, (i + step) % side] += weight
    matrix = np.kron(blur, blur)
    normal = matrix.T @ matrix + WIENER_K * np.eye(side**2)
    expected = np.linalg.solve(normal, matrix.T @ image.ravel()).reshape(image.shape)
    np.testing.assert_allclose(wiener_filter(image), expected, atol=1e-6)


def test_grey_levels_are_bounded_robustly() -> None:
    values = 50 + 3 * np.random.default_rng(3).standard_normal((200, 200)).astype(np.float32)
    levels = grey_levels(values).astype(float)
    assert levels.mean() == pytest.approx(127.5, abs=1)
    assert levels.std() == pytest.approx(25.5, rel=0.02)
    values[3, 4] = 1e6
    hot = grey_levels(values)
    assert hot[3, 4] == 255
    assert np.abs(hot - levels)[10:].max() <= 1
    assert (grey_levels(np.full((5, 5), 7.0, np.float32)) == 128).all()
    few = np.zeros((20, 20), np.float32)
    few[0, :8] = -1
    assert len(np.unique(grey_levels(few))) == 2


def test_a_hot_pixel_stays_local_and_the_argument_is_kept() -> None:
    image = torch.randn(300, 260, generator=torch.Generator().manual_seed(4))
    before = image.clone()
    clean = denoise_cryosegnet(image)
    assert torch.equal(image, before)
    assert clean.dtype == torch.float32
    hot = image.clone()
    hot[30, 30] = 1e4
    away = (denoise_cryosegnet(hot) - clean)[150:, 150:]
    assert float(away.abs().max()) < 0.1 * float(clean.std())


def test_grey_levels_of_the_file_do_not_matter() -> None:
    image = torch.randn(120, 140, generator=torch.Generator().manual_seed(5))
    clean, other = denoise_cryosegnet(image), denoise_cryosegnet(2000 + 300 * image)
    assert float(torch.corrcoef(torch.stack((clean.ravel(), other.ravel())))[0, 1]) > 0.999
    turned = denoise_cryosegnet(-image)
    assert float(torch.corrcoef(torch.stack((clean.ravel(), turned.ravel())))[0, 1]) < -0.99
