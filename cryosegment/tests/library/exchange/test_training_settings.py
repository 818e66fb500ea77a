# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import pytest

from cryosegment.exchange.params import FrontEndParams, InputParams, TrainParams
from cryosegment.exchange.training_settings import learning_rate_of, minutes_of, trained_input


def test_the_input_of_a_training() -> None:
    """What the parameters leave open is that of the model it starts from, or the default."""
    assert trained_input(TrainParams()) == InputParams(20.0)
    start = InputParams(
        15.0, "bright", FrontEndParams("median"), local_mean=2.0, noise=None, clip=4.0
    )
    assert trained_input(TrainParams(start="general"), start) == start
    chosen = TrainParams(
        start="general", front_end="low-pass", low_pass=9.0, pixels_per_diameter=30.0
    )
    expected = replace(start, pixels_per_diameter=30.0, front_end=FrontEndParams("low-pass", 9.0))
    assert trained_input(chosen, start) == expected
    without = trained_input(TrainParams(start="general", front_end="none"), start)
    assert without == replace(start, front_end=FrontEndParams())


@pytest.mark.parametrize(
    ("minutes", "steps", "expected"), [(None, None, 7.0), (2.0, None, 2.0), (None, 9, None)]
)
def test_how_long_a_training_goes_on(minutes, steps, expected) -> None:
    assert minutes_of(minutes, steps, 7.0) == expected


@pytest.mark.parametrize(
    ("start", "given", "expected"), [("", 0.0, 2e-3), ("general", 0.0, 5e-4), ("general", 0.1, 0.1)]
)
def test_the_learning_rate_of_a_training(start, given, expected) -> None:
    assert learning_rate_of(TrainParams(start=start, learning_rate=given)) == expected
