# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from scipy.stats import kstest

from cryosegment.core.simulation.orientation import draw_angles, preferred_angles
from cryosegment.exchange.params import SimulateParams


def directions(angles):
    """View directions of RELION's angles, by SciPy's rotations: intrinsic ZYZ."""
    turns = Rotation.from_euler("ZYZ", angles.numpy(), degrees=True)
    return turns.apply([0, 0, 1])


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("view", "spread"), [((0.0, 0.0), 10.0), ((70.0, 110.0), 25.0)])
def test_views_gather_about_the_preferred_one_as_fisher_says(view, spread):
    angles = preferred_angles(6000, view, spread, generator())
    centre = directions(torch.tensor([[*view, 0.0]]))[0]
    cosine = directions(angles) @ centre
    kappa = 1 / math.radians(spread) ** 2
    assert cosine.mean() == pytest.approx(1 / math.tanh(kappa) - 1 / kappa, abs=0.003)
    mean = directions(angles).mean(axis=0)
    assert np.degrees(np.arccos(mean @ centre / np.linalg.norm(mean))) < 1.5


def test_psi_is_uniform_and_the_cloud_round():
    angles = preferred_angles(3000, (30.0, 60.0), 8.0, generator())
    assert kstest((angles[:, 2].numpy() + 180) / 360, "uniform").pvalue > 0.001
    off = directions(angles)
    spread = np.linalg.eigvalsh(np.cov(off.T))
    assert spread[1] == pytest.approx(spread[2], rel=0.1)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_share_in_the_preferred_view_is_as_asked(share):
    params = SimulateParams(preferred=share, preferred_view=(0.0, 90.0), preferred_spread=3.0)
    cosine = directions(draw_angles(params, 4000, generator())) @ [1, 0, 0]
    within = (cosine > math.cos(math.radians(12))).mean()
    # Of uniform views (1 - cos 12°) / 2 = 0.011 lie there as well.
    assert within == pytest.approx(share + 0.011 * (1 - share), abs=0.025)


def test_no_particles_have_no_angles():
    assert draw_angles(SimulateParams(preferred=1.0), 0, generator()).shape == (0, 3)
