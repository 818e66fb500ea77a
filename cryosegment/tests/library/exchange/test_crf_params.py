# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import (
    AppearanceTerm,
    CrfParams,
    parse_appearance,
)


def test_appearance_from_text_and_back():
    term = parse_appearance("intensity:0.5:12:0.25")
    assert term == AppearanceTerm("intensity", 0.5, 12.0, 0.25)
    assert parse_appearance(str(term)) == term


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("logits", "such as logits:1:10:2, got 'logits'"),
        ("logits:1:10", "expected appearance as FEATURE:WEIGHT"),
        ("logits:1:10:2:3", "expected appearance as"),
        ("logits:a:10:2", "expected appearance as"),
        ("colour:1:10:2", "feature to be one of intensity"),
        ("logits:-1:10:2", "weight to be at least 0"),
        ("logits:1:10:0", "feature sigma to be at least 0.001"),
    ],
)
def test_appearance_that_is_wrong(text, message):
    with pytest.raises(ParameterError, match=message):
        CrfParams(appearance=(text,))


def test_features_and_terms():
    crf = CrfParams(appearance=("logits:1:10:2", "intensity:1:5:1", "logits:2:3:1"))
    assert crf.features() == ("logits", "intensity")
    assert [term.sigma for term in crf.appearance_terms()] == [10.0, 5.0, 3.0]


def test_stronger():
    crf = CrfParams(gaussian_weight=2.0, appearance=("logits:1:10:2",)).stronger(1.5)
    assert crf == CrfParams(gaussian_weight=3.0, appearance=("logits:1.5:10:2",))


def test_pydensecrf_has_one_solver():
    with pytest.raises(ParameterError, match="solver mean-field for the engine pydensecrf"):
        CrfParams(engine="pydensecrf", solver="icm")


def test_a_crf_is_shown_in_words():
    crf = CrfParams(temperature=0.5, gaussian_weight=3.0, appearance=("logits:3:10:2",))
    assert (
        str(crf)
        == "mean-field, 5 updates, temperature 0.5, smoothness 3 within 2 px, logits:3:10:2"
    )
