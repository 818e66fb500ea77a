# SPDX-License-Identifier: GPL-3.0-or-later
"""Footprints of picks against scikit-image and SciPy."""

import cv2
import mrcfile
import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.draw import disk
from skimage.draw import ellipse as skimage_ellipse
from skimage.measure import label, regionprops

from cryosegment.core.labels.shapes import Template, ellipse, read_silhouette
from cryosegment.core.optics.projection import project, rotation_matrices
from cryosegment.core.simulation.molecule import read_molecule
from cryosegment.exchange.errors import InputError


def test_equal_diameters_make_a_disc():
    mask = ellipse(17.0, 17.0, 33.0, np.array([0.3, 0.7]))
    expected = np.zeros(mask.shape, bool)
    middle = mask.shape[0] // 2
    expected[disk((middle + 0.3, middle + 0.7), 8.5)] = True
    assert (mask == expected).all()


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, -50.0, 200.0])
def test_ellipses_are_those_of_scikit_image(angle):
    """An angle turns from the columns' direction towards the first row: against the clock."""
    mask = ellipse(60.0, 25.0, angle, np.array([0.25, 0.5]))
    middle = mask.shape[0] // 2
    expected = np.zeros(mask.shape, bool)
    radians = np.deg2rad(angle)
    expected[
        skimage_ellipse(middle + 0.25, middle + 0.5, 12.5, 30.0, mask.shape, rotation=radians)
    ] = True
    assert (mask & expected).sum() / (mask | expected).sum() > 0.99
    # the farthest pixel lies where the angle says
    rows, columns = np.nonzero(mask)
    x, y = columns - middle - 0.5, rows - middle - 0.25
    tip = np.argmax(x * np.cos(radians) - y * np.sin(radians))
    assert x[tip] == pytest.approx(30 * np.cos(radians), abs=4)
    assert y[tip] == pytest.approx(-30 * np.sin(radians), abs=4)
    (found,) = regionprops(label(mask))
    assert found.major_axis_length == pytest.approx(60, abs=0.5)
    assert found.minor_axis_length == pytest.approx(25, abs=0.5)


def key():
    """A silhouette without symmetry, 60 px long: a bar and, at its right end, a bit upwards."""
    silhouette = np.zeros((80, 90), bool)
    silhouette[36:46, 15:75] = True
    silhouette[20:36, 65:75] = True
    return silhouette


@pytest.mark.parametrize("angle", [0.0, 35.0, 90.0, -120.0])
@pytest.mark.parametrize("size", [40.0, 130.0])
def test_templates_turn_and_grow(angle, size):
    template = Template(key())
    fraction = np.array([0.25, 0.75])
    found = template.draw(size, angle, fraction)
    longest = np.hypot(59, 25) + 1
    scale = size / longest
    # SciPy turns the picture about its middle, by the same angle against the clock
    middle = found.shape[0] // 2
    radians = np.deg2rad(angle)
    c, s = np.cos(radians), np.sin(radians)
    matrix = np.array([[c, s], [-s, c]]) / scale  # rows and columns
    offset = np.array([40, 45]) - matrix @ (middle + fraction)
    expected = ndimage.affine_transform(key().astype(float), matrix, offset, found.shape, order=1)
    expected = expected >= 0.5
    assert (found & expected).sum() / (found | expected).sum() > 0.97
    assert found.sum() == pytest.approx(key().sum() * scale**2, rel=0.1)
    points = np.argwhere(found)
    spread = np.linalg.norm(points[:, None, :] - points[::7], axis=-1).max()
    assert spread == pytest.approx(size, abs=2.5)


def test_templates_turn_as_relion_turns_particles():
    """A projection of a molecule at psi is the one at psi 0, turned by psi."""
    molecule = read_molecule("builtin", 4.0)
    angles = torch.tensor([[20.0, 50.0, 0.0], [20.0, 50.0, 70.0]])
    straight, turned = (
        image > 0.3 * image.max()
        for image in project(molecule.density, rotation_matrices(angles)).numpy()
    )
    points = np.argwhere(straight)
    size = np.linalg.norm(points[:, None] - points, axis=-1).max() + 1
    template = Template(straight)
    scores = {}
    for angle in (70.0, -70.0, 0.0):
        found = template.draw(size, angle, np.zeros(2))
        reach = min(found.shape[0] // 2, turned.shape[0] // 2)
        pair = [mask[middle_of(mask, reach)] for mask in (found, turned)]
        scores[angle] = (pair[0] & pair[1]).sum() / (pair[0] | pair[1]).sum()
    assert scores[70.0] > 0.92
    assert max(scores[-70.0], scores[0.0]) < 0.9


def middle_of(mask, reach):
    first = mask.shape[0] // 2 - reach
    return slice(first, first + 2 * reach), slice(first, first + 2 * reach)


@pytest.mark.parametrize("kind", ["mask.mrc", "mask.png", "dark.png", "image.mrc", "dark.mrc"])
def test_silhouettes_of_masks_and_images(tmp_path, kind):
    silhouette = key()
    values = silhouette.astype(np.float32)
    values[40, 30:40] = 0  # a hole
    values[5, 5] = 1  # and something beside
    if kind.startswith("image") or kind == "dark.mrc":
        values = ndimage.gaussian_filter(values, 1.0)
        values += 0.1 * np.random.default_rng(0).standard_normal(values.shape)
    if kind.startswith("dark"):
        values = 1 - values
    if kind.endswith("png"):
        cv2.imwrite(str(tmp_path / kind), (255 * values).astype(np.uint8))
    else:
        mrcfile.write(tmp_path / kind, values.astype(np.float32))
    found = read_silhouette(tmp_path / kind)
    assert (found & silhouette).sum() / (found | silhouette).sum() > (
        0.999 if "mask" in kind or kind == "dark.png" else 0.9
    )
    assert ndimage.label(found)[1] == 1


def test_a_template_of_nothing(tmp_path):
    mrcfile.write(tmp_path / "t.mrc", np.ones((20, 20), np.float32))
    with pytest.raises(InputError, match="a single value"):
        read_silhouette(tmp_path / "t.mrc")
