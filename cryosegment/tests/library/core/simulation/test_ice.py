# SPDX-License-Identifier: GPL-3.0-or-later
import cv2
import numpy as np
import pytest

from cryosegment.core.simulation.ice import (
    add_blobs,
    add_blotches,
    add_crystalline,
    add_drops,
    add_specks,
)
from cryosegment.core.simulation.layers import Layers, blank

SIDE, DIAMETER = 160, 20.0


def drawn(add: object, seed: int) -> Layers:
    layers = blank(SIDE, DIAMETER)
    add(layers, np.random.default_rng(seed))
    return layers


@pytest.mark.parametrize("add", [add_blobs, add_drops, add_specks, add_blotches])
def test_ice_is_dark_and_under_its_mask(add: object) -> None:
    many = [drawn(add, seed) for seed in range(20)]
    dark = sum(float(np.clip(-layers.shade, 0, None).sum()) for layers in many)
    bright = sum(float(np.clip(layers.shade, 0, None).sum()) for layers in many)
    assert dark > 2 * bright
    outside = sum(float((np.abs(layers.shade) * (1 - layers.mask)).sum()) for layers in many)
    assert outside < 0.3 * (dark + bright)  # edges are soft
    assert all(set(np.unique(layers.mask)) <= {0, 1} for layers in many)
    assert sum(bool(layers.mask.any()) for layers in many) >= 18


def test_specks_are_as_small_as_particles() -> None:
    """24 of them of 0.6 diameters at most, with a rim."""
    largest = 24 * np.pi * (0.6 * DIAMETER + 1.5) ** 2
    covered = [drawn(add_specks, seed).mask.sum() for seed in range(20)]
    assert 0 < min(covered) < 0.1 * SIDE**2
    assert max(covered) < largest


def test_specks_of_particle_size_are_dark() -> None:
    """A soft grain that is as large and as weak as a particle would look like one."""
    widest = {True: 0.0, False: 0.0}
    for layers in (drawn(add_specks, seed) for seed in range(100)):
        inside = np.pad(layers.mask.astype(np.uint8), 1)
        radius = float(cv2.distanceTransform(inside, cv2.DIST_L2, 5).max())
        is_weak = bool(layers.shade.min() > -1.3)
        widest[is_weak] = max(widest[is_weak], radius)
    assert 4 < widest[True] < 0.4 * DIAMETER + 1.5 < widest[False]


def test_drops_are_smaller_and_larger_than_particles() -> None:
    """By the inner radius of the widest, and the area of the smallest."""
    widest, smallest = [], []
    for layers in (drawn(add_drops, seed) for seed in range(60)):
        mask = np.pad(layers.mask.astype(np.uint8), 1)
        widest.append(cv2.distanceTransform(mask, cv2.DIST_L2, 5).max())
        smallest.append(cv2.connectedComponentsWithStats(mask)[2][1:, cv2.CC_STAT_AREA].min())
    assert np.mean(np.array(widest) > 0.6 * DIAMETER) > 0.5
    assert np.mean(np.array(smallest) < 0.5 * np.pi * DIAMETER**2 / 4) > 0.5


def test_drops_of_a_scene_have_one_contrast() -> None:
    """Where few overlap, the shade that most of their pixels have is nearly the deepest."""
    ratios = []
    for layers in (drawn(add_drops, seed) for seed in range(60)):
        if layers.mask.mean() > 0.25:
            continue
        inside = -layers.shade[layers.mask > 0]
        ratios.append(np.percentile(inside, 80) / np.percentile(inside, 40))
    assert len(ratios) >= 10
    assert np.median(ratios) < 1.5


def test_crystals_are_everywhere_or_in_islands() -> None:
    shares = [float(drawn(add_crystalline, seed).mask.mean()) for seed in range(40)]
    assert 0.4 < np.mean([share == 1 for share in shares]) < 0.8
    assert any(0.05 < share < 0.9 for share in shares)


def test_a_crystal_has_spots_in_its_spectrum() -> None:
    """The strongest wave of the texture stands far above the others."""
    contrasts = []
    for seed in range(30):
        texture = drawn(add_crystalline, seed).texture
        if texture.any():
            power = np.abs(np.fft.rfft2(texture - texture.mean())) ** 2
            contrasts.append(power.max() / np.median(power))
            frequency = np.unravel_index(power.argmax(), power.shape)
            radius = np.hypot(min(frequency[0], SIDE - frequency[0]), frequency[1]) / SIDE
            assert 1 / 17 < radius < 1 / 1.9
    assert np.median(contrasts) > 1000
