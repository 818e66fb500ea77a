# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from skimage.measure import regionprops

from cryosegment.core.picking.axes import instance_axes


def ellipse(center: tuple[float, float], long: float, short: float, angle: float) -> np.ndarray:
    """Pixels of an ellipse on a field of 120 x 160; its long axis rises by an angle (degrees)."""
    y, x = np.indices((120, 160))
    up, right, turn = center[0] - y, x - center[1], np.deg2rad(angle)
    along = right * np.cos(turn) + up * np.sin(turn)
    across = -right * np.sin(turn) + up * np.cos(turn)
    return (2 * along / long) ** 2 + (2 * across / short) ** 2 <= 1


@pytest.mark.parametrize("angle", [0.0, 30.0, -55.0, 90.0])
def test_axes_of_an_ellipse(angle: float) -> None:
    labels = np.zeros((120, 160), np.int32)
    labels[ellipse((50.4, 70.7), 60, 24, angle)] = 2
    found = instance_axes(torch.from_numpy(labels), 3)
    np.testing.assert_allclose(found.centers_yx[1], (50.4, 70.7), atol=0.2)
    assert found.long[1] == pytest.approx(60, abs=0.5)
    assert found.short[1] == pytest.approx(24, abs=0.5)
    assert (found.angles[1] - angle + 90) % 180 - 90 == pytest.approx(0, abs=0.5)
    for values in (found.long, found.short, found.angles, found.centers_yx[:, 0]):
        assert np.isnan(values).tolist() == [True, False, True]


def test_axes_agree_with_scikit_image() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 5, (12, 9)).astype(np.int32)  # of no shape at all
    found = instance_axes(torch.from_numpy(labels), 4)
    for row, region in enumerate(regionprops(labels)):
        assert found.long[row] == pytest.approx(region.axis_major_length)
        assert found.short[row] == pytest.approx(region.axis_minor_length)
        np.testing.assert_allclose(found.centers_yx[row], region.centroid)
        turned = np.rad2deg(region.orientation) + 90  # from the columns, the other way round
        assert (found.angles[row] - turned + 90) % 180 - 90 == pytest.approx(0, abs=1e-6)
