# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.training.targets import CENTER_SIGMA, Targets, make_targets, stack

DIAMETER = 8.0
CENTERS = torch.tensor([[5.3, 4.0], [6.0, 11.5], [-2.0, 17.0]])


def brute_force(instances: np.ndarray, centers: np.ndarray) -> dict[str, np.ndarray]:
    """Every target, pixel by pixel."""
    height, width = instances.shape
    maps = {name: np.zeros(instances.shape) for name in ("particle", "center", "edge")}
    maps["offset"] = np.zeros((2, height, width))
    for y, x in np.ndindex(height, width):
        label = instances[y, x]
        if label == 0:
            continue
        dy, dx = centers[label - 1] - (y, x)
        maps["particle"][y, x] = 1
        sigma = CENTER_SIGMA * DIAMETER
        is_peak = max(abs(dy), abs(dx)) <= 0.5
        maps["center"][y, x] = 1 if is_peak else np.exp(-(dy**2 + dx**2) / (2 * sigma**2))
        maps["offset"][:, y, x] = dy / (DIAMETER / 2), dx / (DIAMETER / 2)
        around = instances[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        maps["edge"][y, x] = (around != label).any()
    return maps


@pytest.fixture
def instances() -> torch.Tensor:
    """Two discs that touch and a third whose centre lies outside."""
    y, x = torch.meshgrid(torch.arange(13), torch.arange(20), indexing="ij")
    distance = torch.stack([(y - cy) ** 2 + (x - cx) ** 2 for cy, cx in CENTERS.tolist()])
    nearest = distance.argmin(0).int() + 1
    return torch.where(distance.amin(0) <= 16, nearest, 0).int()


def make(instances: torch.Tensor) -> Targets:
    plane = torch.zeros(instances.shape)
    known, contamination = plane.clone(), plane.clone()
    known[2:] = 1
    contamination[:, 3] = 1
    return make_targets(instances, contamination, known, CENTERS, DIAMETER)


def test_targets_agree_with_brute_force(instances: torch.Tensor) -> None:
    before = instances.clone()
    found = make(instances)
    for name, expected in brute_force(instances.numpy(), CENTERS.numpy()).items():
        np.testing.assert_allclose(getattr(found, name)[0].numpy(), expected, atol=1e-5)
    assert torch.equal(instances, before)
    assert found.known[0].sum() == 11 * 20
    assert found.contamination[0, :, 3].all()


def test_each_particle_inside_has_its_peak(instances: torch.Tensor) -> None:
    peaks = torch.nonzero(make(instances).center[0] == 1)
    assert peaks.tolist() == [[5, 4], [6, 11], [6, 12]]  # 11.5 lies between two pixels


def test_an_offset_leads_to_the_centre(instances: torch.Tensor) -> None:
    found = make(instances)
    for y, x in [(5, 2), (8, 5)]:
        there = torch.tensor([y, x]) + found.offset[0, :, y, x] * DIAMETER / 2
        torch.testing.assert_close(there, CENTERS[0])


def test_the_edge_is_that_of_the_labels_and_the_outline(instances: torch.Tensor) -> None:
    plane = torch.zeros(instances.shape)
    outline = make(instances).edge[0]
    wide = torch.nn.functional.max_pool2d(outline[None], 3, 1, 1)[0] * (instances > 0)
    gaps = outline.clone()
    gaps[::2] = 0
    for edge, expected in ((wide, wide), (gaps, outline)):
        found = make_targets(instances, plane, plane + 1, CENTERS, DIAMETER, edge)
        assert torch.equal(found.edge[0], expected)


def test_no_particle() -> None:
    nothing = torch.zeros(4, 4)
    found = make_targets(nothing.int(), nothing, nothing + 1, torch.zeros(0, 2), DIAMETER)
    assert not found.particle.any()
    assert not found.center.any()
    assert not found.edge.any()
    assert not found.offset.any()


def test_stack_and_map(instances: torch.Tensor) -> None:
    one = make(instances)
    both = stack([one, one.map(lambda plane: 2 * plane)])
    assert both.offset.shape == (2, 2, 13, 20)
    for name in ("particle", "center", "edge", "contamination", "offset", "known"):
        assert torch.equal(getattr(both, name)[1], 2 * getattr(one, name)[0])
