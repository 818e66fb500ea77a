# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.training.data.augmentation import BASIC, LEVELS
from cryosegment.core.training.data.patches import (
    PatchBatches,
    _random_map,
    sample,
    sampling_grid,
    window,
)
from cryosegment.core.training.data.targets import PickingTargets
from cryosegment.exchange.labels import BACKGROUND, CONTAMINATION, EDGE, PARTICLE, UNKNOWN
from cryosegment.tests.labelled import labelled_image

SHAPE = (90, 120)
DIAMETER = 20.0
CENTERS = np.array([[22.4, 30.7], [30.4, 80.7], [66.4, 50.7], [60.4, 100.7]])


@pytest.fixture
def labelled() -> LabelledImage:
    """Dark particles of the shape of an L."""
    pixels = np.stack(np.indices(SHAPE), -1)
    image, instances = np.full(SHAPE, 0.5, np.float32), np.zeros(SHAPE, np.int32)
    for number, center in enumerate(CENTERS, start=1):
        y, x = np.moveaxis(pixels - center, -1, 0)
        body = (np.abs(y) <= 9) & (np.abs(x + 2) <= 3)
        body |= (np.abs(y - 6) <= 3) & (np.abs(x - 1) <= 6)
        instances[body] = number
    image[instances > 0] = -3
    classes = np.where(instances > 0, PARTICLE, BACKGROUND)
    classes[(instances > 0) & ~ndimage.binary_erosion(instances, iterations=2)] = EDGE
    classes[:8] = CONTAMINATION
    classes[:, 110:] = UNKNOWN
    item = labelled_image(torch.from_numpy(image), torch.from_numpy(CENTERS).float(), DIAMETER)
    return replace(
        item, instances=torch.from_numpy(instances), classes=torch.from_numpy(classes).int()
    )


@pytest.fixture
def batch(labelled: LabelledImage) -> tuple[torch.Tensor, PickingTargets]:
    return PatchBatches([labelled], 96, range(12), seed=3)(0)


def same(
    first: tuple[torch.Tensor, PickingTargets], second: tuple[torch.Tensor, PickingTargets]
) -> bool:
    maps = [torch.equal(getattr(first[1], n), getattr(second[1], n)) for n in vars(first[1])]
    return torch.equal(first[0], second[0]) and all(maps)


def test_sampling_agrees_with_scipy() -> None:
    random = np.random.default_rng(0)
    plane = random.standard_normal((61, 61)).astype(np.float32)
    angle, patch = 0.7, 25
    matrix = 0.8 * np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
    center = np.array([12.3, 40.9])  # so that a corner lies outside
    offset = center - matrix @ np.full(2, (patch - 1) / 2)
    planes = torch.from_numpy(np.stack((plane, np.sign(plane))))
    grid = sampling_grid(
        torch.from_numpy(matrix).float().expand(2, -1, -1),
        torch.from_numpy(center).float().expand(2, -1),
        patch,
        61,
    )
    smooth, nearest = sample(planes, grid, "bilinear")[0], sample(planes, grid, "nearest")[1]
    size = (patch, patch)
    expected = ndimage.affine_transform(plane, matrix, offset, size, order=1, mode="grid-constant")
    np.testing.assert_allclose(smooth.numpy(), expected, atol=2e-5)
    expected = ndimage.affine_transform(np.sign(plane), matrix, offset, size, order=0)
    inside = ndimage.affine_transform(np.ones_like(plane), matrix, offset, size, order=1) == 1
    assert (nearest.numpy() == expected)[inside].mean() > 0.99
    assert (~inside).any()


@pytest.mark.parametrize("corner", [(2, 3), (-2, 3), (5, -3), (9, 7), (-1, -1), (-8, -9)])
def test_a_window_is_zero_outside_the_plane(corner: tuple[int, int]) -> None:
    plane = torch.arange(1, 89).reshape(8, 11)
    around = np.pad(plane.numpy(), 10)
    top, left = corner
    expected = around[top + 10 : top + 16, left + 10 : left + 16]
    assert torch.equal(window(plane, torch.tensor(corner), 6), torch.from_numpy(expected))


def test_patches_are_the_same_in_any_batch(labelled: LabelledImage) -> None:
    """A process that draws a part of the batch draws what one process draws."""
    image, targets = PatchBatches([labelled], 64, range(4), 1, LEVELS["full"])(5)
    part, part_targets = PatchBatches([labelled], 64, range(2, 4), 1, LEVELS["full"])(5)
    torch.testing.assert_close(part, image[2:], atol=1e-5, rtol=1e-5)
    for name in vars(targets):
        torch.testing.assert_close(getattr(part_targets, name), getattr(targets, name)[2:])


def test_without_augmentation_patches_are_pieces_of_the_image(labelled: LabelledImage) -> None:
    random = np.random.default_rng(0)
    assert all(torch.equal(_random_map(random, LEVELS["none"]), torch.eye(2)) for _ in range(9))
    image, targets = PatchBatches([labelled], 32, range(8), 0, LEVELS["none"])(0)
    inner = (targets.particle > 0) & (targets.edge == 0)
    assert (image.min(), image.max()) == (-3, 0.5)
    assert (image[:, 0][inner] == -3).float().mean() > 0.6  # the rest is between two pixels


def test_a_batch_depends_on_seed_and_step_alone(labelled: LabelledImage) -> None:
    batches = PatchBatches([labelled], 64, range(2), seed=1)
    later = batches(5)
    assert same(batches(5), later)
    assert same(PatchBatches([labelled], 64, range(2), seed=1)(5), later)
    assert not same(batches(6), later)
    assert not same(PatchBatches([labelled], 64, range(2), seed=2)(5), later)


def test_shapes(batch: tuple[torch.Tensor, PickingTargets]) -> None:
    image, targets = batch
    assert image.shape == (12, 1, 96, 96)
    assert targets.offset.shape == (12, 2, 96, 96)
    assert targets.particle.shape == targets.known.shape == (12, 96, 96)


def test_labels_move_with_the_image(batch: tuple[torch.Tensor, PickingTargets]) -> None:
    image, targets = batch
    inner = (targets.particle > 0) & (targets.edge == 0)
    around = -torch.nn.functional.max_pool2d(-(targets.known - targets.particle), 5, 1, 2) > 0
    for plane, particle, background in zip(image[:, 0], inner, around, strict=True):
        if particle.any():
            assert plane[particle].max() < plane[background].min() + 1.5  # noise apart
            assert plane[particle].mean() < plane[background].mean() - 2


def test_offsets_lead_to_the_centres_after_rotation_flip_and_zoom(
    batch: tuple[torch.Tensor, PickingTargets], labelled: LabelledImage
) -> None:
    """All pixels of a particle agree on one centre, where the particle's shape has it."""
    _, targets = batch
    area = float((labelled.instances > 0).sum()) / 4
    centroid = np.argwhere(labelled.instances.numpy() == 1).mean(0)
    lever = np.linalg.norm(centroid - CENTERS[0])
    pixels = torch.stack(torch.meshgrid(torch.arange(96), torch.arange(96), indexing="ij"))
    goals = pixels + targets.offset * DIAMETER / 2
    sizes = []
    for particle, goal, peaks in zip(targets.particle, goals, targets.center == 1, strict=True):
        labels, count = ndimage.label(particle.numpy())
        for number in range(1, count + 1):
            rows, columns = np.nonzero(labels == number)
            if min(rows.min(), columns.min()) == 0 or max(rows.max(), columns.max()) == 95:
                continue  # cut by the border
            found = goal[:, rows, columns]
            assert found.std(1).max() < 1e-3
            y, x = found.mean(1).tolist()
            assert peaks[round(y), round(x)]
            zoom = (len(rows) / area) ** 0.5
            away = np.hypot(rows.mean() - y, columns.mean() - x)
            assert away == pytest.approx(zoom * lever, abs=0.3)
            sizes.append(zoom)
    assert len(sizes) > 10
    assert 1 / BASIC.zoom - 0.03 < min(sizes) < 0.95
    assert 1.05 < max(sizes) < BASIC.zoom + 0.03


def test_maps_are_rotations_flips_and_zooms() -> None:
    random = np.random.default_rng(0)
    matrices = torch.stack([_random_map(random, BASIC) for _ in range(400)]).double()
    areas = torch.linalg.det(matrices)
    zooms = areas.abs() ** -0.5
    expected = torch.eye(2).double() * areas.abs()[:, None, None]
    torch.testing.assert_close(matrices @ matrices.mT, expected, atol=1e-5, rtol=1e-5)
    assert 1 / BASIC.zoom <= zooms.min() < 1 / BASIC.zoom + 0.01
    assert BASIC.zoom - 0.01 < zooms.max() <= BASIC.zoom
    assert 0.4 < (areas > 0).double().mean() < 0.6
    angles = torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0])
    assert torch.histc(angles, 8, -np.pi, np.pi).min() > 25


def test_outside_and_unknown_pixels_are_unknown(labelled: LabelledImage) -> None:
    image, targets = PatchBatches([labelled], 256, range(1), seed=0)(0)
    share = float(targets.known.mean()) * 256**2 / (90 * 110)
    assert BASIC.zoom**-2 * 0.95 < share < BASIC.zoom**2 * 1.05
    assert not targets.particle[targets.known == 0].any()
    assert image.isfinite().all()


def test_the_edge_of_the_labels_moves_along(
    batch: tuple[torch.Tensor, PickingTargets], labelled: LabelledImage
) -> None:
    """Its share of the particles stays: more than the outline, but not all."""
    _, targets = batch
    expected = float(labelled.edge.sum() / (labelled.instances > 0).sum())
    assert not (targets.edge * (1 - targets.particle)).any()
    assert float(targets.edge.sum() / targets.particle.sum()) == pytest.approx(expected, rel=0.08)


def test_contamination_moves_along(batch: tuple[torch.Tensor, PickingTargets]) -> None:
    _, targets = batch
    assert targets.contamination.any()
    assert not (targets.contamination * targets.particle).any()
