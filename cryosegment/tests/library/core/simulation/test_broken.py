# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import torch

from cryosegment.core.simulation.broken import CUT, break_views


def test_what_is_left_lies_on_one_side_of_a_cut() -> None:
    side, true_px, count = 49, 32.0, 400
    steps = torch.arange(side) - side // 2
    disc = (steps[:, None] ** 2 + steps**2 <= (true_px / 2) ** 2).float()
    whole = disc.expand(count, -1, -1)
    density, shape = break_views(whole, whole, true_px, np.random.default_rng(0))
    share = density.sum((1, 2)) / disc.sum()
    # a disc cut by a chord at t diameters from its centre keeps between these shares of its area
    t = np.array([CUT[1], CUT[0]])
    kept = 0.5 - (2 * t * np.sqrt(0.25 - t**2) + 0.5 * np.arcsin(2 * t)) * 2 / np.pi
    assert share.min() > kept[0] - 0.05
    assert share.max() < kept[1] + 0.05
    assert share.std() > 0.05
    # the centre of mass leaves the origin, in all directions alike
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1).float()
    centers = (density[..., None] * grid).sum((1, 2)) / density.sum((1, 2))[:, None]
    assert (centers.norm(dim=1) > 1).float().mean() > 0.9
    assert centers.mean(0).norm() < 1
    assert ((shape == 0) | (shape == 1)).all()
    assert (density[shape == 1] >= 0.5).all()
    assert (whole == disc).all()
