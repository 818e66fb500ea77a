# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import (
    TrainParams,
)


def test_training_on_corrected_images_needs_ctfs():
    with pytest.raises(ParameterError, match="ctf-wiener needs CTFs"):
        TrainParams(front_end="ctf-wiener")
    assert TrainParams(front_end="ctf-wiener", ctf="micrographs_ctf.star").ctf
