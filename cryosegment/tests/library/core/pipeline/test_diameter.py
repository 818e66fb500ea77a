# SPDX-License-Identifier: GPL-3.0-or-later
"""The particle diameter from masks at assumed diameters, and of simulated particles."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.models.model import load_model
from cryosegment.core.picking.axes import RIGHT
from cryosegment.core.pipeline.diameter import (
    ERROR,
    LADDER,
    Rung,
    climb,
    estimate_diameter,
)
from cryosegment.core.simulation.micrograph import simulate_micrograph
from cryosegment.core.simulation.sample import read_sample
from cryosegment.exchange.diameter_estimate import DiameterEstimate
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.model_files import GENERAL
from cryosegment.exchange.params import SimulateParams


def ladder(says: Callable[[float], float], number: Callable[[float], int]) -> list[Rung]:
    """Rungs on which all masks say the same."""
    return [
        Rung(assumed, np.full(number(assumed), says(assumed) * RIGHT), 1e6) for assumed in LADDER
    ]


def spread(found: DiameterEstimate) -> tuple[float, float]:
    """What was seen, without the error of the method."""
    return found.low * (1 + ERROR), found.high / (1 + ERROR)


def test_masks_that_say_the_same_everywhere() -> None:
    found = estimate_diameter([ladder(lambda _: 200.0, lambda _: 50)])
    assert found.diameter == pytest.approx(200.0)
    assert spread(found) == pytest.approx((200.0, 200.0))


def test_the_estimate_is_where_the_assumed_diameter_is_what_masks_say() -> None:
    """They say the root of 180 times what is assumed: at 180 Å, the same."""
    found = estimate_diameter([ladder(lambda d: (180.0 * d) ** 0.5, lambda _: 50)])
    assert found.diameter == pytest.approx(180.0)
    below, above = 60 * 1.25**4, 60 * 1.25**5
    assert spread(found) == pytest.approx(((180 * below) ** 0.5, (180 * above) ** 0.5))


def test_rungs_with_few_particles_and_those_where_neighbours_merge_do_not_count() -> None:
    def says(assumed: float) -> float:
        return 60.0 if assumed < 100 else 3 * assumed if 300 < assumed < 500 else 160.0

    found = estimate_diameter([ladder(says, lambda d: 20 if d < 100 else 50)])
    assert found.diameter == pytest.approx(160.0)


def test_micrographs_that_differ_make_the_spread() -> None:
    micrographs = [ladder(lambda _, d=d: d, lambda _: 50) for d in (150.0, 190.0)]
    found = estimate_diameter(micrographs)
    assert 150 <= found.diameter <= 190
    assert spread(found) == pytest.approx((150.0, 190.0))


def test_beyond_the_ladder_masks_have_the_word() -> None:
    for diameter in (45.0, 700.0):
        found = estimate_diameter([ladder(lambda _, d=diameter: d, lambda _: 50)])
        assert found.diameter == pytest.approx(diameter)


def test_particles_of_all_micrographs_count_and_too_few_are_an_error() -> None:
    few = ladder(lambda _: 200.0, lambda _: 6)
    assert estimate_diameter([few, few]).diameter == pytest.approx(200.0)
    with pytest.raises(InputError, match="expected at least 10 particles"):
        estimate_diameter([few])
    with pytest.raises(InputError, match="expected at least 10 particles"):
        estimate_diameter([[]])


@pytest.mark.slow
def test_simulated_particles() -> None:
    params = SimulateParams(size=(640, 640), pixel_size=4.0, snr=0.1)
    truth = simulate_micrograph(params, read_sample(params), torch.Generator().manual_seed(1))
    micrograph = Micrograph(truth.image, params.pixel_size, "simulated")
    before = truth.image.clone()
    rungs = list(climb(micrograph, load_model(GENERAL)))
    assert [rung.assumed for rung in rungs] == list(LADDER)
    assert rungs[0].area == pytest.approx(2560.0**2)
    found = estimate_diameter([rungs])
    assert found.diameter == pytest.approx(truth.diameter, rel=0.15)
    assert found.low <= found.diameter <= found.high
    assert torch.equal(truth.image, before)


@pytest.mark.slow
def test_only_the_middle_is_looked_at_and_diameters_that_do_not_fit_are_left_out() -> None:
    noise = torch.randn(200, 800, generator=torch.Generator().manual_seed(0))
    rungs = list(climb(Micrograph(noise, 5.0, "noise"), load_model(GENERAL)))
    assert [rung.assumed for rung in rungs] == [d for d in LADDER if d <= 250]
    assert rungs[0].area == pytest.approx(1000.0 * 3000.0)  # 50 diameters of 60 Å
    assert rungs[-1].area == pytest.approx(1000.0 * 4000.0)
