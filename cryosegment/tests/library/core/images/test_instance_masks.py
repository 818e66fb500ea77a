# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from cryosegment.core.images import instance_masks
from cryosegment.core.images.instance_masks import at_micrograph_scale
from cryosegment.core.images.working import WorkingImage


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Masks of several blocks, the last of which is smaller."""
    monkeypatch.setattr(instance_masks, "ROWS_AT_A_TIME", 23)


@pytest.mark.parametrize(("small", "large"), [((20, 31), (60, 90)), ((33, 47), (50, 71))])
def test_labels_at_the_micrographs_scale(small: tuple[int, int], large: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    labels = np.kron(random.integers(0, 9, (9, 12)), np.ones((4, 4), int))[: small[0], : small[1]]
    particle = np.where(labels > 0, random.uniform(0.5, 1, small), random.uniform(0, 0.5, small))
    scale = (large[0] / small[0], large[1] / small[1])
    empty = torch.zeros(small)
    working = WorkingImage(empty, empty == 0, 4.0, scale)
    instances, probability = torch.from_numpy(labels), torch.from_numpy(particle).float()
    found = at_micrograph_scale(instances, probability, working).numpy()
    assert found.shape == large
    places = np.mgrid[: large[0], : large[1]] / np.array(scale)[:, None, None]
    level = map_coordinates(particle.astype(np.float32), places, order=1, mode="nearest")
    clear = np.abs(level - 0.5) > 1e-5
    np.testing.assert_array_equal((found > 0)[clear], (level > 0.5)[clear])
    near = [place.round().astype(int).clip(0, n - 1) for place, n in zip(places, small)]
    inside = (found > 0) & (labels[tuple(near)] > 0)
    assert inside.mean() > 0.3
    between = (np.abs(places % 1 - 0.5) < 1e-6).any(0)
    np.testing.assert_array_equal(found[inside & ~between], labels[tuple(near)][inside & ~between])


def test_outlines_of_discs_are_finer_than_working_pixels() -> None:
    scale, radius, center = 5.0, 33.0, 101.0
    rows, columns = np.mgrid[:200, :200]
    distance = np.hypot(rows - center, columns - center)
    particle = torch.from_numpy(1 / (1 + np.exp((distance[::5, ::5] - radius) / 6))).float()
    working = WorkingImage(particle, particle >= 0, 4.0, (scale, scale))
    found = at_micrograph_scale((particle >= 0.5).int(), particle, working).numpy() > 0
    exact = distance <= radius
    assert (found & exact).sum() / (found | exact).sum() > 0.98
