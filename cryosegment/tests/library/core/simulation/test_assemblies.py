# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.ndimage import label

from cryosegment.core.simulation.assemblies import (
    SMALLEST_VESICLE,
    _add_vesicle,
    add_filaments,
    add_vesicles,
)
from cryosegment.core.simulation.layers import Layers, blank

SIDE, DIAMETER = 200, 20.0


def drawn(add: object, seed: int) -> Layers:
    layers = blank(SIDE, DIAMETER)
    add(layers, np.random.default_rng(seed))
    return layers


@pytest.mark.parametrize("add", [add_vesicles, add_filaments])
def test_density_lies_under_the_mask(add: object) -> None:
    many = [drawn(add, seed) for seed in range(20)]
    assert sum(bool(layers.mask.any()) for layers in many) >= 16
    assert not any(layers.shade.any() for layers in many)
    total = sum(float(np.abs(layers.texture).sum()) for layers in many)
    outside = sum(float((np.abs(layers.texture) * (1 - layers.mask)).sum()) for layers in many)
    assert outside < 0.35 * total  # the caps of vesicles are seen through


def test_a_vesicle_is_a_ring_of_two_leaflets() -> None:
    layers = blank(SIDE, DIAMETER)
    center = np.array([100.0, 100.0])
    _add_vesicle(layers, center, 60.0, 8.0, 1.0, np.random.default_rng(1))
    _, regions = label(layers.mask == 0)
    assert regions == 2  # inside and outside
    profile = layers.texture[100, 100:]
    peaks = np.flatnonzero((profile[1:-1] > profile[:-2]) & (profile[1:-1] > profile[2:])) + 1
    strong = [peak for peak in peaks if profile[peak] > 0.5]
    assert len(strong) == 2
    assert strong[1] - strong[0] == pytest.approx(2 * 0.4 * 8.0, abs=1.5)
    assert 40 < np.mean(strong) < 75


def test_no_vesicle_is_as_small_as_a_particle() -> None:
    assert SMALLEST_VESICLE > 1.33 / 2
