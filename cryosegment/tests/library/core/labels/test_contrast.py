# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy import ndimage

from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.images.working import labels_at_working_scale, working_image
from cryosegment.core.labels.contrast import (
    AS_LABELLED,
    FLIPPED_X,
    FLIPPED_Y,
    MIRRORED,
    PIXELS_PER_DIAMETER,
    SWAPPED,
    TURNED,
    contrast_notes,
    micrograph_contrast,
    total_placements,
)
from cryosegment.exchange.params import InputParams

PIXEL_SIZE, DIAMETER = 2.0, 80.0
SHAPE = (600, 600)


def hook(size=40):
    """A footprint without symmetry: two strokes of different length."""
    mask = np.zeros((size, size), bool)
    mask[:, :10] = True
    mask[:12, :28] = True
    return mask


def paste(shape, footprint, corners):
    """Instances of a footprint at the corners given, and the middles of the windows."""
    instances = np.zeros(shape, np.int16)
    side = len(footprint)
    for number, (y, x) in enumerate(corners, 1):
        instances[y : y + side, x : x + side][footprint] = number
    return instances, np.array(corners) + (side - 1) / 2


@pytest.fixture(scope="module")
def scene():
    """Dark hooks in noise at random places of a coarse grid: the image, instances and centres."""
    random = np.random.default_rng(5)
    cells = [(y, x) for y in range(0, 540, 60) for x in range(0, 540, 60)]
    chosen = [cells[i] for i in random.permutation(len(cells))[:40]]
    corners = [(y + int(random.integers(20)), x + int(random.integers(20))) for y, x in chosen]
    instances, centers_yx = paste(SHAPE, hook(), corners)
    image = 100 - 10.0 * (instances > 0) + random.normal(0, 15, SHAPE)
    return image.astype(np.float32), instances, centers_yx


def contrast_of(image, instances, centers_yx, classes=None):
    micrograph = Micrograph(torch.from_numpy(image), PIXEL_SIZE, "m")
    classes = (instances > 0).astype(np.int8) if classes is None else classes
    return micrograph_contrast(micrograph, DIAMETER, instances, classes, centers_yx)


def test_figures_are_those_of_the_working_image(scene):
    """Against SciPy's statistics by label; unknown pixels are no background."""
    image, instances, centers_yx = scene
    classes = (instances > 0).astype(np.int8)
    classes[:200][instances[:200] == 0] = -1
    found = contrast_of(image, instances, centers_yx, classes)
    micrograph = Micrograph(torch.from_numpy(image), PIXEL_SIZE, "m")
    working = working_image(micrograph, DIAMETER, InputParams(PIXELS_PER_DIAMETER), "dark")
    small = labels_at_working_scale(instances, working).numpy()
    kinds = labels_at_working_scale(classes, working).numpy()
    grey = working.image.numpy().astype(float)
    inside, outside = grey[small > 0], grey[(small == 0) & (kinds == 0)]
    n, m = len(inside), len(outside)
    pooled = np.sqrt((n * inside.var() + m * outside.var()) / (n + m))
    assert found.cohen_d == pytest.approx((inside.mean() - outside.mean()) / pooled)
    assert found.cohen_d < -1
    assert (found.inside, found.outside) == pytest.approx((inside.mean(), outside.mean()))
    means = ndimage.mean(grey, small, np.arange(1, 41))
    np.testing.assert_allclose(found.particles, (means - outside.mean()) / pooled)
    assert found.placements[AS_LABELLED] == pytest.approx(inside.mean())
    assert found.area == n


@pytest.mark.parametrize("placement", [FLIPPED_Y, FLIPPED_X, TURNED, SWAPPED, MIRRORED])
def test_labels_that_would_fit_otherwise_are_told_of(scene, placement):
    image, instances, centers_yx = scene
    turn = {
        FLIPPED_Y: lambda array: array[::-1],
        FLIPPED_X: lambda array: array[:, ::-1],
        TURNED: lambda array: array[::-1, ::-1],
        SWAPPED: lambda array: array.T,
        MIRRORED: lambda array: array,
    }[placement]
    if placement == MIRRORED:
        corners = (centers_yx - 19.5).astype(int)
        instances, centers_yx = paste(SHAPE, hook()[:, ::-1], corners)
    wrong = np.ascontiguousarray(turn(instances))
    centers = np.array(ndimage.center_of_mass(wrong > 0, wrong, np.arange(1, 41)))
    centers = centers_yx if placement == MIRRORED else centers
    found = contrast_of(image, wrong, centers)
    right = contrast_of(*scene)
    best = min(found.placements, key=found.placements.get)
    assert best == placement
    assert found.placements[placement] == pytest.approx(
        right.placements[AS_LABELLED], abs=0.15 if placement == MIRRORED else 0.1
    )
    [note] = contrast_notes([found])
    assert f"better {placement}" in note
    assert contrast_notes([right]) == []


def test_bright_particles_are_told_of(scene):
    image, instances, centers_yx = scene
    found = contrast_of(-image, instances, centers_yx)
    assert found.cohen_d == pytest.approx(-contrast_of(*scene).cohen_d)
    assert found.has_bright_particles
    [note] = contrast_notes([found])
    assert "inverted contrast" in note


def test_labels_between_the_particles_are_told_of(scene):
    """The image shows dark particles, and the labels lie where it is bright."""
    image, instances, _ = scene
    gaps = ndimage.distance_transform_edt(instances == 0) > 10
    label, _ = ndimage.label(ndimage.binary_erosion(gaps, iterations=6))
    cells = np.add.outer(np.arange(600) // 60 * 10, np.arange(600) // 60)
    between = np.where(label > 0, cells + 1, 0)
    _, between = np.unique(between, return_inverse=True)
    between = between.reshape(SHAPE).astype(np.int16)
    numbers = np.arange(1, between.max() + 1)
    centers = np.array(ndimage.center_of_mass(between > 0, between, numbers))
    [note] = contrast_notes([contrast_of(image, between, centers)])
    assert "between the particles" in note


def test_labels_of_another_micrograph_are_told_of(scene):
    _, instances, centers_yx = scene
    noise = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    found = contrast_of(noise, instances, centers_yx)
    assert found.is_faint
    assert not contrast_of(*scene).is_faint
    [note] = contrast_notes([found])
    assert "no different under the labels" in note


def test_a_few_particles_prove_nothing(scene):
    image, instances, centers_yx = scene
    few = np.where(instances <= 10, instances, 0).astype(np.int16)
    found = contrast_of(np.ascontiguousarray(image[::-1]), few, centers_yx[:10])
    assert contrast_notes([found]) == []
    assert contrast_notes([]) == []


def test_particles_without_pixels_have_no_contrast(scene):
    image, instances, centers_yx = scene
    hidden = np.where(instances == 3, 0, instances).astype(np.int16)
    found = contrast_of(image, hidden, centers_yx)
    assert np.isnan(found.particles[2])
    assert np.isfinite(np.delete(found.particles, 2)).all()
    empty = contrast_of(image, np.zeros(SHAPE, np.int16), np.empty((0, 2)))
    assert np.isnan(empty.cohen_d)
    assert total_placements([found, empty]) == pytest.approx(found.placements)
