# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.window.view import LARGEST, View


def test_all_of_a_micrograph_is_seen_in_the_middle() -> None:
    view = View.of_all((100, 400), (800, 600))
    corners = view.on_screen(np.array([[-0.5, -0.5], [99.5, 399.5]]))
    np.testing.assert_allclose(corners, [[0, 200], [800, 400]])


def test_places_lead_back() -> None:
    view = View(12.5, -7.0, 0.3)
    (x, y) = view.on_screen(np.array([[33.0, 44.0]]))[0]
    assert view.in_micrograph(x, y) == pytest.approx((33.0, 44.0))


def test_the_place_under_the_mouse_stays() -> None:
    view = View(12.5, -7.0, 0.3)
    before = view.in_micrograph(130, 70)
    for factor in (1.25, 1e9, 0.1):
        view = view.zoomed(factor, 130, 70)
        assert view.in_micrograph(130, 70) == pytest.approx(before)
        assert view.scale <= LARGEST


def test_it_is_pushed_as_the_mouse_is() -> None:
    view = View(12.5, -7.0, 0.3)
    at = view.in_micrograph(130, 70)
    assert view.moved(20, -30).in_micrograph(150, 40) == pytest.approx(at)
