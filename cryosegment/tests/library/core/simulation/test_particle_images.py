# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
import torch

from cryosegment.core.simulation.bank import PIXELS_PER_DIAMETER, SIDE, ProjectionBank
from cryosegment.core.simulation.particle_images import (
    CENTRED,
    DEBRIS,
    EMPTY,
    GOOD,
    OFF_CENTRE,
    ParticleImages,
    ParticleSettings,
    draw_particle_images,
)

PLAIN = ParticleSettings(broken=0.0, spoilt=0.0)
CLEAN = replace(
    PLAIN,
    scene=replace(PLAIN.scene, clean=1.0, empty=0.0, sparse=0.0, others=0.0, scale=(1.0, 1.0)),
)


@pytest.fixture(scope="module")
def bank() -> ProjectionBank:
    """Balls that fill their diameter."""
    axis = torch.arange(SIDE) - SIDE // 2
    ball = (axis[:, None] ** 2 + axis**2 <= (PIXELS_PER_DIAMETER / 2) ** 2).float()
    views = ball.expand(1, 2, SIDE, SIDE)
    return ProjectionBank(views, views, torch.tensor([200.0]))


def draw(bank: ProjectionBank, settings: ParticleSettings, scenes: int = 6) -> ParticleImages:
    random = np.random.default_rng(5)
    drawn = [draw_particle_images(bank, settings, 12, 36, random) for _ in range(scenes)]
    return ParticleImages(
        *(
            torch.cat([getattr(d, name) for d in drawn])
            for name in ParticleImages.__annotations__
            if name != "kinds"
        ),
        tuple(kind for d in drawn for kind in d.kinds),
    )


def test_a_box_is_good_where_its_middle_is_near_that_of_a_whole_particle(
    bank: ProjectionBank,
) -> None:
    found = draw(bank, CLEAN)
    kinds = np.array(found.kinds)
    good = found.good.numpy()
    assert found.images.shape == found.instances.shape == (72, 36, 36)
    assert not good[np.isin(kinds, (EMPTY, OFF_CENTRE))].mean() > 0.3
    assert good[kinds == GOOD].mean() > 0.5
    offsets = np.mgrid[:36, :36] - 18
    for k in np.flatnonzero(good):
        footprint = (found.instances[k] == found.instances[k, 18, 18]).numpy()
        assert found.instances[k, 18, 18] > 0
        away = np.hypot(*(offsets[:, footprint].mean(1)))
        assert away <= CENTRED * 24 + 2  # a neighbour may hide some of it
        assert footprint.sum() >= 0.8 * np.pi * 12**2
    torch.testing.assert_close(found.cores[:, 18, 18], found.good)


def test_a_broken_particle_is_part_of_one_and_not_good(bank: ProjectionBank) -> None:
    found = draw(bank, replace(CLEAN, broken=1.0))
    assert not found.good.any()
    assert not found.cores.any()
    middle = found.instances[:, 18, 18]
    sizes = [(i == m).sum() for i, m in zip(found.instances, middle, strict=True) if m > 0]
    assert sizes
    assert max(sizes) < 0.8 * np.pi * 12**2


def test_nothing_is_good_in_a_spoilt_scene(bank: ProjectionBank) -> None:
    found = draw(bank, replace(CLEAN, spoilt=1.0))
    assert not found.good.any()
    assert (found.instances > 0).any()


def test_nothing_is_good_on_debris(bank: ProjectionBank) -> None:
    found = draw(bank, replace(PLAIN, scene=replace(PLAIN.scene, clean=0.0)), 12)
    on_debris = np.array(found.kinds) == DEBRIS
    assert on_debris.any()
    assert found.good[torch.from_numpy(on_debris)].float().mean() < 0.2
    assert (found.instances[on_debris, 18, 18] == 0).all()


def test_a_box_is_drawn_from_the_seed_alone(bank: ProjectionBank) -> None:
    first, second = draw(bank, PLAIN, 1), draw(bank, PLAIN, 1)
    assert torch.equal(first.images, second.images)
    assert first.kinds == second.kinds
