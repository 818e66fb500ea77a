# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.core.labels.scale import find_scale, on_micrograph
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.particles import Particles

SHAPE = (1000, 1200)


def particles(centers_yx, pixel_size, shape=(0, 0)):
    count = len(centers_yx)
    return Particles(
        micrographs=("m",) * count,
        centers_yx=centers_yx,
        angles=np.zeros((count, 3)),
        shifts_yx=np.full((count, 2), 3.0),
        pixel_sizes=np.full(count, pixel_size),
        scores=np.ones(count),
        rows=np.arange(count),
        shapes=np.tile(shape, (count, 1)),
    )


def spread(count):
    """Centres all over a micrograph, in its pixels."""
    return np.random.default_rng(0).uniform(0, 1, (count, 2)) * SHAPE


@pytest.mark.parametrize("binning", [0.5, 1.5, 2.0, 4.0])
@pytest.mark.parametrize("name", ["micrograph", "particle"])
def test_the_scale_is_found_from_where_the_particles_lie(binning, name):
    centers = spread(60)
    given = particles(centers / binning if name == "particle" else centers, 1.5 * binning)
    scale = find_scale("auto", [given], [SHAPE], [1.5])
    assert scale.name == name
    assert f"{name} pixels" in scale.note
    found = on_micrograph(given, scale, SHAPE, 1.5)
    np.testing.assert_allclose(found.centers_yx, centers)
    np.testing.assert_allclose(found.shifts_yx, 3.0)


def test_a_guess_is_said_to_be_one():
    scale = find_scale("auto", [particles([[100, 100]], 3.0)], [SHAPE], [1.5])
    assert scale.name == "micrograph"
    assert "guess" in scale.note


def test_the_same_or_unknown_pixel_sizes_leave_no_question():
    for size in (1.5, np.nan):
        assert find_scale("auto", [particles(spread(9), size)], [SHAPE], [1.5]).name == "micrograph"
    assert find_scale("auto", [], [], []).name == "micrograph"


def test_what_is_asked_for_wins():
    scale = find_scale("particle", [particles(spread(60), 3.0)], [SHAPE], [1.5])
    assert scale.name == "particle"
    assert "as given" in scale.note


def test_mixed_pixel_sizes_are_scaled_each_by_its_own():
    sizes = np.array([3.0, 6.0])
    centers = spread(60)
    binning = np.tile(sizes / 1.5, 30)
    given = particles(centers / binning[:, None], 1.5)
    given = Particles(**{**vars(given), "pixel_sizes": np.tile(sizes, 30)})
    scale = find_scale("auto", [given], [SHAPE], [1.5])
    assert scale.name == "particle"
    np.testing.assert_allclose(on_micrograph(given, scale, SHAPE, 1.5).centers_yx, centers)


@pytest.mark.parametrize("binning", [1, 1.5, 2.5, 4])
def test_what_scipion_has_cut_is_made_up_for(binning):
    centers = np.floor(spread(2000))
    given = particles((centers / binning).astype(int), 1.5 * binning)
    scale = find_scale("particle", [given], [SHAPE], [1.5])
    error = on_micrograph(given, scale, SHAPE, 1.5).centers_yx - centers
    assert np.abs(error.mean(axis=0)).max() < (0.1 if binning % 1 == 0 else 0.4)
    assert np.abs(error).max() <= binning / 2


def test_fractions_of_a_micrograph_of_another_size_are_scaled():
    given = particles(spread(9), 3.0, shape=SHAPE)
    scale = find_scale("auto", [given], [(500, 600)], [3.0])
    found = on_micrograph(given, scale, (500, 600), 3.0)
    np.testing.assert_allclose(found.centers_yx, given.centers_yx / 2)
    with pytest.raises(InputError, match="picked on"):
        on_micrograph(given, scale, (600, 500), 3.0)


def test_y_is_turned_after_scaling():
    given = particles(spread(60) / 2, 3.0)
    scale = find_scale("auto", [given], [SHAPE], [1.5])
    found = on_micrograph(given, scale, SHAPE, 1.5, y_up=True)
    np.testing.assert_allclose(found.centers_yx[:, 0], 999 - 2 * given.centers_yx[:, 0])
    np.testing.assert_allclose(found.shifts_yx, [[-3.0, 3.0]] * 60)


def test_parts_of_the_sides_fit_every_shape():
    """A file that does not say the shape of the micrographs cannot contradict it."""
    given = particles(spread(9) / SHAPE, 3.0, (1, 1))
    scale = find_scale("auto", [given], [SHAPE], [1.5])
    found = on_micrograph(given, scale, SHAPE, 1.5)
    np.testing.assert_allclose(found.centers_yx, spread(9))
    with pytest.raises(InputError, match="900 x 900 according to the particles"):
        on_micrograph(particles(spread(9), 3.0, (900, 900)), scale, SHAPE, 1.5)
