# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.exchange.errors import ModelError, ParameterError
from cryosegment.exchange.params import (
    FRONT_ENDS,
    FrontEndParams,
    TrainParams,
    choose_front_end,
    front_end_of_card,
)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_front_end_comes_back_from_a_card(name):
    front_end = FrontEndParams(name, 12.0)
    expected = FrontEndParams() if name == "none" else front_end
    assert front_end_of_card(front_end.facts()) == expected


def test_a_card_without_one_has_none():
    assert front_end_of_card({}).name == "none"
    assert FrontEndParams().facts() == {}


@pytest.mark.parametrize("facts", [{"name": "magic"}, {"strength": 1.0}, {"resolution": "high"}])
def test_a_card_of_the_future(facts):
    with pytest.raises(ModelError, match="a front end that this version does not know"):
        front_end_of_card(facts)


def test_the_choice():
    facts = FrontEndParams("median").facts()
    assert choose_front_end("auto", 9.0, facts) == FrontEndParams("median")
    assert choose_front_end("none", 9.0, facts) == FrontEndParams()
    assert choose_front_end("low-pass", 9.0, facts) == FrontEndParams("low-pass", 9.0)
    assert choose_front_end("ctf-flip", 9.0, {}) == FrontEndParams("ctf-flip")


def test_training_on_corrected_images_needs_ctfs():
    with pytest.raises(ParameterError, match="ctf-wiener needs CTFs"):
        TrainParams(front_end="ctf-wiener")
    assert TrainParams(front_end="ctf-wiener", ctf="micrographs_ctf.star").ctf
