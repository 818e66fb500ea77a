# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

from cryosegment.exchange.params import FrontEndParams, InputParams, TrainParams
from cryosegment.exchange.training_settings import trained_input


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
