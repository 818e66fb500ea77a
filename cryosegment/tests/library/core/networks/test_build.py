# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.core.networks import build_network, network_names
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import NETWORKS


def test_names_are_those_that_can_be_asked_for() -> None:
    assert network_names() == NETWORKS


def test_arguments_reach_the_network() -> None:
    network = build_network("compact", widths=(8, 16), channels_out=3)
    assert network.head.weight.shape == (3 * 4, 8, 1, 1)


def test_an_unknown_name() -> None:
    with pytest.raises(ParameterError, match="among compact"):
        build_network("resnet")
