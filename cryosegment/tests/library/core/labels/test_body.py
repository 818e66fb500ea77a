# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.core.labels.body import body_from_map, body_from_mask
from cryosegment.exchange.errors import InputError, ParameterError


def ellipsoid(size=40, axes_zyx=(6, 9, 14), center=(0, 0, 0)):
    """1 inside; about voxel `size // 2` plus `center`."""
    z, y, x = np.meshgrid(*[np.arange(size) - size // 2 - c for c in center], indexing="ij")
    a, b, c = axes_zyx
    return ((z / a) ** 2 + (y / b) ** 2 + (x / c) ** 2 <= 1).astype(np.float32)


@pytest.fixture
def density():
    """An ellipsoid of 12 x 18 x 28 voxels in noise on a solvent level, and a speck apart."""
    noise = np.random.default_rng(0).normal(0, 0.05, (40, 40, 40))
    volume = ellipsoid() + noise + 3
    volume[2:4, 2:4, 2:4] = 5
    return volume.astype(np.float32)


# the surface lies outside of half the height, where it keeps thin loops of real molecules
@pytest.mark.parametrize(
    ("threshold", "overlap"), [("surface", 0.8), ("li", 0.8), ("otsu", 0.92), ("3.5", 0.9)]
)
def test_the_body_is_found(density, threshold, overlap):
    body = body_from_map(density, 2.0, threshold)
    inside = ellipsoid() > 0
    both = (body.support & inside).sum()
    assert both / (body.support | inside).sum() > overlap
    assert not body.support[2:4, 2:4, 2:4].any()
    assert body.diameter == pytest.approx(28 * 2, abs=4)
    assert body.radius == pytest.approx(14 * 2, abs=4)
    assert threshold in body.notes[0]


def test_an_inverted_map_is_turned_and_told(density):
    body = body_from_map(-density, 2.0)
    assert "inverted" in body.notes[0]
    np.testing.assert_array_equal(body.support, body_from_map(density, 2.0).support)
    by_value = body_from_map(-density, 2.0, "-3.5")
    np.testing.assert_array_equal(by_value.support, body_from_map(density, 2.0, "3.5").support)


def test_a_tight_box_is_not_taken_for_an_inverted_map():
    volume = ellipsoid(24, (10, 10, 10)) + 0.01 * np.random.default_rng(0).normal(size=(24,) * 3)
    assert "inverted" not in " ".join(body_from_map(volume.astype(np.float32), 3.0).notes)


def test_masks_are_cut_at_half_their_height():
    soft = 4 * np.clip(1.5 * ellipsoid(axes_zyx=(8, 8, 8)) - 0.6 * ellipsoid(), 0, 1)
    body = body_from_mask(soft.astype(np.float32), 1.0)
    np.testing.assert_array_equal(body.support, soft > 2)


def test_dilation_moves_the_surface(density):
    ball = ellipsoid(axes_zyx=(8, 8, 8))
    wide = body_from_mask(ball, 2.0, dilation=6.0)
    expected = ellipsoid(axes_zyx=(11, 11, 11)) > 0
    assert (wide.support ^ expected).sum() < 0.06 * expected.sum()


def test_another_grid_holds_the_same_body(density):
    body = body_from_map(density, 2.0)
    for voxel_size in (1.0, 1.7, 3.0):
        other = body.at_voxel_size(voxel_size)
        volume = other.support.sum() * voxel_size**3
        assert volume == pytest.approx(body.support.sum() * 8, rel=0.04)
        np.testing.assert_allclose(other.center_xyz, body.center_xyz, atol=0.3)
        assert not other.support[0].any()
        assert not other.support[:, :, -1].any()


@pytest.mark.parametrize("shape", [(39, 40, 44), (41, 39, 40)])
def test_other_boxes_turn_about_the_same_point(shape):
    volume = np.zeros(shape, np.float32)
    at = [side // 2 + step for side, step in zip(shape, (3, -2, 5))]
    volume[at[0] - 2 : at[0] + 3, at[1] - 2 : at[1] + 3, at[2] - 2 : at[2] + 3] = 1
    body = body_from_mask(volume, 2.0)
    side = body.level.shape[0]
    assert body.level.shape == (side,) * 3
    assert side % 2 == 0
    np.testing.assert_allclose(body.center_xyz, [10, -4, 6])


@pytest.mark.parametrize(
    ("threshold", "error", "message"),
    [
        ("magic", ParameterError, "surface, li, otsu or a density"),
        ("2.9", ParameterError, "solvent's density"),
        ("99", InputError, "found nothing"),
    ],
)
def test_thresholds_that_cannot_be(density, threshold, error, message):
    with pytest.raises(error, match=message):
        body_from_map(density, 2.0, threshold)


def test_an_empty_mask_is_refused():
    with pytest.raises(InputError, match="inside and outside"):
        body_from_mask(np.zeros((8, 8, 8), np.float32), 1.0)
