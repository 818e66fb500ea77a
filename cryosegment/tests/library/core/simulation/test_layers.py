# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.special import expit

from cryosegment.core.simulation.layers import blank, log_uniform, sigmoid, smooth_field, window


def test_blank_layers_are_of_their_own() -> None:
    layers = blank(9, 20.0)
    layers.mask[2, 3] = 1
    assert layers.side == 9
    assert not layers.shade.any()
    assert not layers.texture.any()


@pytest.mark.parametrize("center", [(10.2, 7.6), (-3.0, 30.0), (200.0, 4.0)])
def test_a_window_knows_how_far_its_pixels_are(center: tuple[float, float]) -> None:
    (rows, columns), y, x = window(np.array(center), 6.0, 32)
    pixels = np.mgrid[:32, :32][:, rows, columns]
    np.testing.assert_allclose(y, pixels[0] - center[0], atol=1e-5)
    np.testing.assert_allclose(x, pixels[1] - center[1], atol=1e-5)
    near = np.abs(np.mgrid[:32, :32] - np.reshape(center, (2, 1, 1))).max(0) <= 6
    assert near.sum() == near[rows, columns].sum()


def test_a_field_varies_over_its_scale() -> None:
    field = smooth_field(256, 16.0, np.random.default_rng(0))
    assert field.shape == (256, 256)
    assert field.std() == pytest.approx(1, abs=1e-3)
    near, far = (np.mean(field[:, :-step] * field[:, step:]) for step in (2, 64))
    assert near > 0.9
    assert abs(far) < 0.3


def test_logarithms_are_uniform() -> None:
    random = np.random.default_rng(0)
    drawn = np.log10([log_uniform(random, 0.01, 100.0) for _ in range(2000)])
    assert drawn.min() > -2
    assert drawn.max() < 2
    np.testing.assert_allclose(np.quantile(drawn, [0.25, 0.5, 0.75]), [-1, 0, 1], atol=0.12)


def test_sigmoid_agrees_with_scipy() -> None:
    heights = np.linspace(-9, 9, 50, dtype=np.float32)
    np.testing.assert_allclose(sigmoid(heights), expit(heights), atol=1e-6)
