# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.core.simulation.textures import ZOOM, Texture, draw_texture

SIDE = 60


@pytest.fixture
def texture() -> Texture:
    """A slope that tells each place, whose left half is contaminated."""
    y, x = np.mgrid[:90, :120].astype(np.float32)
    return Texture(x + 1000 * y, (x < 60).astype(np.float32))


def test_a_part_is_turned_and_magnified(texture: Texture) -> None:
    zooms, are_turned = set(), set()
    for seed in range(60):
        image, mask = draw_texture([texture], SIDE, np.random.default_rng(seed))
        assert image.shape == mask.shape == (SIDE, SIDE)
        down, right = np.diff(image[:, SIDE // 2]).mean(), np.diff(image[SIDE // 2]).mean()
        slow, fast = sorted((abs(down), abs(right)))
        assert fast == pytest.approx(1000 * slow, rel=0.02)
        zooms.add(1 / slow)
        are_turned.add((abs(down) < abs(right), down > 0, right > 0))
    assert ZOOM[0] < min(zooms) < 0.85 * ZOOM[1] < max(zooms) < 1.05 * ZOOM[1]
    assert len(are_turned) == 8


def test_the_mask_stays_on_its_place(texture: Texture) -> None:
    """The image says at which column of the micrograph a pixel was."""
    columns = Texture(np.broadcast_to(np.arange(120, dtype=np.float32), (90, 120)), texture.mask)
    for seed in range(20):
        image, mask = draw_texture([columns], SIDE, np.random.default_rng(seed))
        clear = np.abs(image - 59.5) > 1.5
        assert np.array_equal(mask[clear] > 0, image[clear] < 59.5)
