# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable
from dataclasses import replace

import pytest

from cryosegment.core.images.ice_texture import IceTexture
from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.grades import grade
from cryosegment.core.pipeline.micrograph import pick_micrograph
from cryosegment.core.pipeline.picks import Picks
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_summary import CONTAMINATED, CRYSTALLINE, EMPTY, GOOD, NO_ICE

FINE = IceTexture(structure=30.0, mottling=0.5, tails=1.0)
WHITE = replace(FINE, structure=1.1)
CRYSTALS = replace(FINE, mottling=12.0, tails=1.5)


@pytest.fixture
def picks(draw_truth: Callable, disc_model: Model) -> Picks:
    return pick_micrograph(draw_truth().micrograph, disc_model, PickParams(60.0, crf="none"))


@pytest.mark.parametrize(
    ("expected", "particles", "contamination", "spots", "texture"),
    [
        (GOOD, 100, 0.0, 0.0, FINE),
        (GOOD, 100, 0.0, 0.0, None),
        (GOOD, 3, 0.0, 0.0, FINE),
        (EMPTY, 2, 0.0, 0.0, FINE),
        (EMPTY, 2, 0.0, 0.0, None),
        (NO_ICE, 2, 0.0, 0.0, WHITE),
        (NO_ICE, 19, 0.0, 0.0, WHITE),
        (GOOD, 20, 0.0, 0.0, WHITE),
        (GOOD, 100, 0.6, 0.0, FINE),
        (CONTAMINATED, 100, 0.7, 0.0, FINE),
        (GOOD, 100, 0.0, 0.2, FINE),
        (CRYSTALLINE, 100, 0.0, 0.3, FINE),
        (CRYSTALLINE, 100, 0.0, 0.3, None),
        (CRYSTALLINE, 100, 0.1, 0.0, CRYSTALS),
        (GOOD, 100, 0.02, 0.0, CRYSTALS),
        (GOOD, 100, 0.1, 0.0, replace(CRYSTALS, tails=1.0)),
        (GOOD, 100, 0.1, 0.0, replace(CRYSTALS, mottling=4.0)),
    ],
)
def test_grades(
    picks: Picks,
    expected: str,
    particles: int,
    contamination: float,
    spots: float,
    texture: IceTexture | None,
) -> None:
    working = replace(picks.working, crystalline=spots, texture=texture)
    name, quality = grade(replace(picks, working=working), particles, contamination)
    assert name == expected
    assert 0 <= quality <= 1
    assert (quality > 0.5) == (expected == GOOD)


def test_quality_falls_with_each_reason(picks: Picks) -> None:
    working = replace(picks.working, texture=FINE)
    known = replace(picks, working=working)
    best = grade(known, 1000, 0.0)[1]
    assert best > 0.9
    assert grade(known, 10, 0.0)[1] < best
    assert grade(known, 1000, 0.3)[1] < best
    spotted = replace(picks, working=replace(working, crystalline=0.2))
    assert grade(spotted, 1000, 0.0)[1] < best
