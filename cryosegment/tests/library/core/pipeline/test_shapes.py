# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of the masks of picks, in Å of the micrograph."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cryosegment.core.images.working import WorkingImage
from cryosegment.core.models.model import Model
from cryosegment.core.picking import ParticleMaps
from cryosegment.core.pipeline.micrograph import pick
from cryosegment.core.pipeline.picks import Picks
from cryosegment.exchange.coordinates import read_coordinates, write_coordinates
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.settings import pick_settings

SHAPE, SIZE = (120, 160), 4.0  # of the working image, Å/px; the micrograph has 1 Å/px
PARAMS = PickParams(diameter=100.0, centers="watershed", threshold="0.1")


def pick_ellipses(model: Model, params: PickParams = PARAMS) -> Picks:
    """Picks of two ellipses of 28 x 14 px, surer below: one rises by 30, one by 90 degrees."""
    y, x = np.indices(SHAPE)
    particle = np.full(SHAPE, 0.01, np.float32)
    for row, column, angle in ((40, 50, 30), (70, 110, 90)):
        turn = np.deg2rad(angle)
        along = (x - column) * np.cos(turn) + (row - y) * np.sin(turn)
        across = (row - y) * np.cos(turn) - (x - column) * np.sin(turn)
        inside = (along / 14) ** 2 + (across / 7) ** 2 <= 1
        particle[inside] = np.where(y > row, 0.95, 0.55)[inside]
    valid = torch.ones(SHAPE, dtype=torch.bool)
    image = torch.from_numpy(particle)
    working = WorkingImage(image, valid, SIZE, (4.0, 4.0))
    maps = ParticleMaps(image, torch.zeros(SHAPE), valid)
    return pick("some", working, maps, pick_settings(params, model.card))


def test_axes_angles_and_isolation(disc_model: Model) -> None:
    picks = pick_ellipses(disc_model).chosen
    picks = picks.select(np.argsort(picks.centers_yx[:, 1]))
    assert len(picks) == 2
    np.testing.assert_allclose(picks.long_axes, 28 * SIZE, rtol=0.02)
    np.testing.assert_allclose(picks.short_axes, 14 * SIZE, rtol=0.03)
    assert picks.axis_angles[0] == pytest.approx(30, abs=1)
    assert abs(picks.axis_angles[1]) == pytest.approx(90, abs=1)
    area = np.pi / 4 * picks.diameters**2
    np.testing.assert_allclose(area, np.pi / 4 * picks.long_axes * picks.short_axes, rtol=0.02)
    np.testing.assert_allclose(picks.isolations, SIZE * np.hypot(30, 60), rtol=0.01)
    alone = pick_ellipses(disc_model, replace(PARAMS, edge=1.7)).chosen
    assert len(alone) == 1
    assert np.isnan(alone.isolations).all()


def test_picks_at_centers_of_mass(disc_model: Model) -> None:
    """Those of the masks, wherever the finder has put them."""
    params = replace(PARAMS, centers="grid-nms", min_distance="0.8")
    plain, moved = (
        pick_ellipses(disc_model, replace(params, recenter=recenter)).chosen
        for recenter in (False, True)
    )
    expected = np.array([[40, 50], [70, 110]]) * 4.0
    order = [np.argsort(each.centers_yx[:, 1]) for each in (plain, moved)]
    np.testing.assert_allclose(moved.centers_yx[order[1]], expected, atol=0.5)
    assert np.abs(plain.centers_yx[order[0]] - expected).max() > 1.0
    np.testing.assert_array_equal(plain.scores, moved.scores)


def test_picks_on_filaments_are_dropped_or_flagged(disc_model: Model, tmp_path: Path) -> None:
    """A bar of 120 x 8 px; the diameter is 25 px."""
    particle = np.full(SHAPE, 0.01, np.float32)
    particle[56:64, 20:140] = 0.6
    for bead in range(32, 140, 24):
        particle[56:64, bead - 4 : bead + 4] = 0.95
    particle[90:110, 70:90] = 0.9
    valid = torch.ones(SHAPE, dtype=torch.bool)
    image = torch.from_numpy(particle)
    working = WorkingImage(image, valid, SIZE, (4.0, 4.0))
    maps = ParticleMaps(image, torch.zeros(SHAPE), valid)
    found = {}
    for choice in ("drop", "flag"):
        params = replace(PARAMS, centers="grid-nms", filaments=choice)
        settings = pick_settings(params, disc_model.card)
        found[choice] = pick("some", working, maps, settings).chosen
    on_bar = np.abs(found["flag"].centers_yx[:, 0] / SIZE - 60) < 5
    assert on_bar.sum() >= 3
    assert (~on_bar).sum() == len(found["drop"]) == 1
    np.testing.assert_array_equal(found["flag"].filaments, on_bar)
    write_coordinates(tmp_path / "some.star", found["flag"])
    again = read_coordinates(tmp_path / "some.star", 1.0)["some"]
    np.testing.assert_array_equal(again.filaments, on_bar)
