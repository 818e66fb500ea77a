# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.images.film_edge import beyond_edge
from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.images.working import working_image
from cryosegment.exchange.params import InputParams

SHAPE = (400, 480)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)


def disc(center: tuple[float, float], radius: float) -> np.ndarray:
    """Height above the edge of a disc, px."""
    y, x = np.indices(SHAPE)
    return radius - np.hypot(y - center[0], x - center[1])


def with_film(hole: np.ndarray, step: float = 0.3, fringe: float = 1.0) -> np.ndarray:
    """A film around a hole: darker, with a dark and a bright fringe at its edge."""
    fringes = np.exp(-(((hole - 5) / 5) ** 2)) - np.exp(-(((hole + 5) / 5) ** 2))
    return (noise() - step * (hole < 0) + fringe * fringes).astype(np.float32)


@pytest.mark.parametrize(
    ("center", "radius"),
    [
        ((500, 560), 500),
        ((-100, 200), 360),
        ((200, 700), 560),
        ((2200, 1200), 2100),  # nearly straight
        ((330, -150), 480),
    ],
)
def test_the_film_around_a_hole(center: tuple[float, float], radius: float) -> None:
    hole = disc(center, radius)
    found = beyond_edge(with_film(hole))
    assert found is not None
    assert found.shape == SHAPE
    film = hole < 0
    assert 0.05 < film.mean() < 0.95
    assert (found == film).mean() > 0.95


def test_the_scale_of_grey_levels_does_not_count() -> None:
    image = with_film(disc((500, 560), 500))
    first, second = beyond_edge(image), beyond_edge(1e3 * image - 50)
    assert first is not None
    assert second is not None
    assert (first == second).all()


def test_the_shadow_beyond_the_beam() -> None:
    beam = disc((240, 100), 300)
    found = beyond_edge((noise() - 3 / (1 + np.exp(beam / 6))).astype(np.float32))
    assert found is not None
    assert (found == (beam < 0)).mean() > 0.93


def test_what_is_no_film() -> None:
    """Noise, a slope, dirt, particles, and a crack, whose sides are alike."""
    assert beyond_edge(np.zeros(SHAPE, np.float32)) is None
    y, x = np.indices(SHAPE)
    slope = (x / SHAPE[1]).astype(np.float32)
    for seed in range(3):
        assert beyond_edge(noise(seed)) is None
        assert beyond_edge(noise(seed) + 2 * slope) is None
    dirt = sum(disc(center, 35) > 0 for center in ((80, 90), (300, 200), (150, 380)))
    assert beyond_edge(noise() - 4 * dirt.astype(np.float32)) is None
    random = np.random.default_rng(1)
    particles = sum(disc(center, 12) > 0 for center in random.uniform(0, 400, (120, 2)))
    assert beyond_edge(noise() - 1.5 * (particles > 0).astype(np.float32)) is None
    crack = np.abs(y - 0.8 * x - 20) < 8
    assert beyond_edge(noise() - 2 * crack.astype(np.float32)) is None


def test_a_working_image_excludes_it() -> None:
    """At its own scale, and never on the dead border."""
    hole = disc((500, 560), 500)
    image = np.full((SHAPE[0], SHAPE[1] + 80), 7.0, np.float32)
    image[:, 80:] = with_film(hole)
    micrograph = Micrograph(torch.from_numpy(image), 2.0, "m")
    working = working_image(micrograph, 80.0, InputParams(20.0))
    assert working.excluded is not None
    assert not (working.excluded & ~working.valid).any()
    rows, columns = working.image.shape
    film = np.zeros(image.shape, bool)
    film[:, 80:] = hole < 0
    expected = torch.from_numpy(film[:: round(400 / rows), :: round(560 / columns)])
    assert (working.excluded == expected)[working.valid].float().mean() > 0.95
    more = torch.zeros_like(working.valid)
    more[-20:, -20:] = True
    assert (working.without(more).excluded == (working.excluded | more)).all()
