# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.simulation.debris import Debris, draw_debris

SIDE, DIAMETER = 128, 20.0


def draw(seed: int, clean: float = 0.0) -> Debris:
    return draw_debris(SIDE, DIAMETER, clean, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def many() -> list[Debris]:
    return [draw(seed) for seed in range(40)]


def test_clean_scenes_hold_nothing() -> None:
    for seed in range(5):
        found = draw(seed, clean=1.0)
        assert not found.mask.any()
        assert not found.shade.any()
        assert not found.texture.any()
        assert found.aggregates.shape == (0, 2)


def test_the_share_of_clean_scenes() -> None:
    """60 of 100, and of the others the fifth in which no kind of debris is drawn: 68."""
    clean = np.mean([not draw(seed, clean=0.6).mask.any() for seed in range(100)])
    assert 0.55 < clean < 0.8


def test_the_same_seed_gives_the_same_debris(many: list[Debris]) -> None:
    again = draw(3)
    assert all(torch.equal(getattr(again, name), plane) for name, plane in vars(many[3]).items())
    assert not torch.equal(draw(4).shade, again.shade)


def test_masks_are_binary_and_cover_what_is_shaded(many: list[Debris]) -> None:
    """Nearly all that debris adds to an image lies under its mask."""
    for found in many:
        assert set(found.mask.unique().tolist()) <= {0.0, 1.0}
        assert found.shade.isfinite().all()
        assert found.texture.isfinite().all()
    outside = sum(float((d.shade.abs() * (1 - d.mask)).sum()) for d in many)
    inside = sum(float((d.shade.abs() * d.mask).sum()) for d in many)
    assert outside < 0.1 * inside
    covered = np.mean([float(d.mask.mean()) for d in many])
    assert 0.1 < covered < 0.5


def test_aggregates_lie_under_the_mask(many: list[Debris]) -> None:
    heaps = [d for d in many if len(d.aggregates)]
    assert 4 <= len(heaps) <= 20  # a quarter of all
    for found in heaps:
        assert found.aggregates.shape == (len(found.aggregate_radii), 2)
        for y, x in found.aggregates.int().tolist():
            assert found.mask[y, x] == 1
        assert (found.aggregate_radii <= 2.2 * DIAMETER).all()


def test_most_debris_is_dark(many: list[Debris]) -> None:
    assert np.mean([float(d.shade.mean()) < 0 for d in many if d.shade.any()]) > 0.6
