# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch
from scipy.ndimage import label

from cryosegment.core.simulation.gold import gold_beads, gold_contamination


def seeded(seed=5):
    return torch.Generator().manual_seed(seed)


def test_a_gold_bead_is_a_ball():
    path = gold_beads(200, 200, 1, 40.0, seeded(3))
    diameter = float(path.max())
    assert 36 <= diameter <= 44
    assert float(path.sum()) == pytest.approx(torch.pi / 6 * diameter**3, rel=0.02)
    assert int((path > 0).sum()) == pytest.approx(torch.pi / 4 * diameter**2, rel=0.02)


def test_gold_beads_have_their_number_and_may_be_cut():
    path = gold_beads(1000, 1000, 12, 30.0, seeded(1))
    assert 10 <= label(path.numpy() > 0)[1] <= 12
    assert not gold_beads(50, 50, 0, 30.0, seeded()).any()
    for seed in range(8):
        assert bool(torch.isfinite(gold_beads(40, 30, 3, 40.0, seeded(seed))).all())


def test_gold_absorbs_and_scatters_by_its_thickness():
    path = torch.tensor([[0.0, 30.0, 60.0]])
    dirt = gold_contamination(path, 3.0, 0.2)
    # 90 Å let 1/e of the beam pass, 180 Å let 1/e^2 pass; five sd are the whole beam.
    torch.testing.assert_close(dirt.absorption, torch.tensor([[0.0, 3.160603, 4.323324]]))
    torch.testing.assert_close(dirt.density, torch.tensor([[0.0, 240.0, 480.0]]))
    assert dirt.mask.tolist() == [[False, True, True]]
    assert not dirt.texture.any()
