# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.core.networks import Heads, build_network
from cryosegment.exchange.errors import ParameterError


def test_arguments_reach_the_network() -> None:
    network = build_network("compact", widths=(8, 16), heads=Heads(("one", "two", "three")))
    assert network.head.weight.shape == (3 * 4, 8, 1, 1)


def test_an_unknown_name() -> None:
    with pytest.raises(ParameterError, match="among compact"):
        build_network("resnet")
