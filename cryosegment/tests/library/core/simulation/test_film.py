# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.core.simulation.film import add_beam_edge, add_crack, add_film
from cryosegment.core.simulation.layers import Layers, blank

SIDE, DIAMETER = 160, 20.0


def drawn(add: object, seed: int) -> Layers:
    layers = blank(SIDE, DIAMETER)
    add(layers, np.random.default_rng(seed))
    return layers


@pytest.mark.parametrize("add", [add_film, add_beam_edge])
def test_what_lies_beyond_an_edge_is_dark(add: object) -> None:
    """One region on one side, which takes part of the scene."""
    shares = []
    for seed in range(20):
        layers = drawn(add, seed)
        beyond = layers.mask > 0
        shares.append(beyond.mean())
        if 0.1 < beyond.mean() < 0.9:
            assert layers.shade[beyond].mean() < layers.shade[~beyond].mean()
    assert np.mean([0.02 < share < 0.98 for share in shares]) > 0.6


def test_carbon_has_grain_and_gold_none() -> None:
    grained = []
    for seed in range(40):
        layers = drawn(add_film, seed)
        grained.append(bool(layers.texture.any()))
        assert np.abs(layers.texture[layers.mask == 0]).max(initial=0) < 3
    assert 0.7 < np.mean(grained) < 0.97


def test_a_crack_is_a_band() -> None:
    for seed in range(20):
        layers = drawn(add_crack, seed)
        assert layers.mask.mean() < 0.35
        outside = np.abs(layers.shade * (1 - layers.mask)).sum()
        assert outside <= np.abs(layers.shade).sum()
    assert any(drawn(add_crack, seed).mask.any() for seed in range(5))
