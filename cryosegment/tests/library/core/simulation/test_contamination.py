# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch
from scipy.ndimage import binary_dilation, label

from cryosegment.core.simulation.contamination import (
    carbon_edge,
    ice_blobs,
    ice_gradient,
    no_contamination,
)


def seeded(seed=5):
    return torch.Generator().manual_seed(seed)


def test_ice_is_dark_inside_with_a_bright_fringe_at_its_border():
    dirt = ice_blobs(500, 600, 6, (20.0, 60.0), seeded())
    body = dirt.texture > 0.4
    rim = dirt.mask & ~body
    assert float(dirt.absorption[body].mean()) > 0.3
    assert float(dirt.absorption[rim].min()) < -0.1
    assert float(dirt.absorption[~dirt.mask].max()) < 0.01
    far = torch.from_numpy(~binary_dilation(dirt.mask.numpy(), iterations=15))
    assert float(dirt.absorption[far].abs().max()) < 0.01


def test_ice_has_the_number_and_size_asked_for():
    dirt = ice_blobs(1500, 1500, 8, (30.0, 30.0), seeded(2))
    count = label(dirt.mask.numpy())[1]
    assert 6 <= count <= 8
    assert 0.3 < dirt.mask.sum() / (8 * torch.pi * 30**2) < 1.6


def test_ice_at_the_border_is_cut():
    for seed in range(5):
        dirt = ice_blobs(64, 64, 3, (40.0, 60.0), seeded(seed))
        assert dirt.mask.shape == (64, 64)
        assert bool(torch.isfinite(dirt.absorption).all())


def test_carbon_covers_one_side_and_its_edge_is_an_arc():
    dirt = carbon_edge(400, 400, 600.0, 2.0, seeded())
    share = float(dirt.mask.float().mean())
    count = label(dirt.mask.numpy())[1]
    assert 0.02 < share < 0.5
    assert count <= 2
    assert float(dirt.absorption[dirt.mask].mean()) > 0.1
    assert float(dirt.texture[dirt.mask].mean()) > 10 * float(dirt.texture[~dirt.mask].mean())


def test_carbon_turns_with_the_seed():
    masks = [carbon_edge(100, 100, 150.0, 1.0, seeded(seed)).mask for seed in range(12)]
    corners = {tuple(mask[::99, ::99].flatten().tolist()) for mask in masks}
    assert len(corners) > 3


def test_contaminations_add_up():
    first, second = (ice_blobs(80, 80, 1, (10.0, 12.0), seeded(s)) for s in (1, 2))
    both = first + second
    torch.testing.assert_close(both.absorption, first.absorption + second.absorption)
    torch.testing.assert_close(both.mask, first.mask | second.mask)
    assert not (no_contamination(8, 8, seeded()) + no_contamination(8, 8, seeded())).mask.any()


def test_ice_gradient_rises_as_asked_around_zero():
    gradient = ice_gradient(60, 90, 2.5, seeded())
    assert float(gradient.mean()) == pytest.approx(0, abs=1e-5)
    assert float(gradient.max() - gradient.min()) == pytest.approx(2.5, rel=1e-5)
