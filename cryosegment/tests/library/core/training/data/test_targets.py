# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.training.data.targets import CENTER_SIGMA, PickingTargets, make_targets

DIAMETER = 8.0
CENTERS = torch.tensor([[5.3, 4.0], [6.0, 11.5], [-2.0, 17.0]])


def brute_force(instances: np.ndarray, centers: np.ndarray) -> dict[str, np.ndarray]:
    """Every target, pixel by pixel."""
    height, width = instances.shape
    maps = {name: np.zeros(instances.shape) for name in ("particle", "center", "edge")}
    maps["offset"] = np.zeros((2, height, width))
    for y, x in np.ndindex(height, width):
        sigma = CENTER_SIGMA * DIAMETER
        for dy, dx in centers - (y, x):
            is_peak = max(abs(dy), abs(dx)) <= 0.5
            level = 1 if is_peak else np.exp(-(dy**2 + dx**2) / (2 * sigma**2))
            maps["center"][y, x] = max(maps["center"][y, x], level)
        label = instances[y, x]
        if label == 0:
            continue
        dy, dx = centers[label - 1] - (y, x)
        maps["particle"][y, x] = 1
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


def make(instances: torch.Tensor) -> PickingTargets:
    plane = torch.zeros(instances.shape)
    known, contamination = plane.clone(), plane.clone()
    known[2:] = 1
    contamination[:, 3] = 1
    return make_targets(
        instances[None], contamination[None], known[None], CENTERS[None], torch.tensor([DIAMETER])
    )


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


def test_a_footprint_without_its_centre_has_a_peak(instances: torch.Tensor) -> None:
    hollow = torch.where(make(instances).center[0] > 0.5, 0, instances)
    hollow[hollow == 3] = 0  # not seen at all
    expected = brute_force(hollow.numpy(), CENTERS[:2].numpy())["center"]
    np.testing.assert_allclose(make(hollow).center[0].numpy(), expected, atol=1e-5)


def test_an_offset_leads_to_the_centre(instances: torch.Tensor) -> None:
    found = make(instances)
    for y, x in [(5, 2), (8, 5)]:
        there = torch.tensor([y, x]) + found.offset[0, :, y, x] * DIAMETER / 2
        torch.testing.assert_close(there, CENTERS[0])


def test_the_edge_is_that_of_the_labels_and_the_outline(instances: torch.Tensor) -> None:
    plane = torch.zeros(1, *instances.shape)
    outline = make(instances).edge[0]
    wide = torch.nn.functional.max_pool2d(outline[None], 3, 1, 1)[0] * (instances > 0)
    gaps = outline.clone()
    gaps[::2] = 0
    for edge, expected in ((wide, wide), (gaps, outline)):
        found = make_targets(
            instances[None],
            plane,
            plane + 1,
            CENTERS[None],
            torch.tensor([DIAMETER]),
            edge[None],
        )
        assert torch.equal(found.edge[0], expected)


def test_no_particle() -> None:
    nothing = torch.zeros(1, 4, 4)
    found = make_targets(
        nothing.int(), nothing, nothing + 1, torch.zeros(1, 0, 2), torch.tensor([DIAMETER])
    )
    assert not found.particle.any()
    assert not found.center.any()
    assert not found.edge.any()
    assert not found.offset.any()


def test_patches_of_a_batch_have_their_own_centres_and_diameters(
    instances: torch.Tensor,
) -> None:
    plane = torch.zeros(1, *instances.shape)
    moved = CENTERS + torch.tensor([0.0, 1.0])
    shifted = torch.roll(instances, 1, 1)
    apart = [
        make_targets(labels[None], plane, plane, centers[None], torch.tensor([diameter]))
        for labels, centers, diameter in ((instances, CENTERS, 8.0), (shifted, moved, 10.0))
    ]
    both = make_targets(
        torch.stack((instances, shifted)),
        plane.expand(2, -1, -1),
        plane.expand(2, -1, -1),
        torch.stack((CENTERS, moved)),
        torch.tensor([8.0, 10.0]),
    )
    for name in ("particle", "center", "edge", "contamination", "offset", "known"):
        expected = torch.cat([getattr(one, name) for one in apart])
        assert torch.equal(getattr(both, name), expected)


def test_map(instances: torch.Tensor) -> None:
    one = make(instances)
    twice = one.map(lambda plane: 2 * plane)
    for name in ("particle", "center", "edge", "contamination", "offset", "known"):
        assert torch.equal(getattr(twice, name), 2 * getattr(one, name))
