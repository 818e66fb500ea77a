# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import pytest
import torch

from cryosegment.core.images.ice_texture import IceTexture
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.pipeline.grades import grade
from cryosegment.exchange.pick_summary import CONTAMINATED, CRYSTALLINE, EMPTY, GOOD, NO_ICE

FINE = IceTexture(structure=30.0, mottling=0.5, tails=1.0)
WHITE = replace(FINE, structure=1.1)
CRYSTALS = replace(FINE, mottling=12.0, tails=1.5)


PLAIN = WorkingImage(torch.zeros(8, 8), torch.ones(8, 8, dtype=torch.bool), 9.0, (4.5, 4.5))


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
        (CRYSTALLINE, 19, 0.1, 0.0, CRYSTALS),
        (GOOD, 100, 0.1, 0.0, CRYSTALS),
        (CRYSTALLINE, 0, 0.1, 0.0, CRYSTALS),
        (GOOD, 10, 0.02, 0.0, CRYSTALS),
        (GOOD, 10, 0.1, 0.0, replace(CRYSTALS, tails=1.0)),
        (GOOD, 10, 0.1, 0.0, replace(CRYSTALS, mottling=4.0)),
    ],
)
def test_grades(
    expected: str,
    particles: int,
    contamination: float,
    spots: float,
    texture: IceTexture | None,
) -> None:
    working = replace(PLAIN, crystalline=spots, texture=texture)
    name, quality = grade(working, particles, contamination)
    assert name == expected
    assert 0 <= quality <= 1
    assert (quality > 0.5) == (expected == GOOD)


def test_quality_falls_with_each_reason() -> None:
    working = replace(PLAIN, texture=FINE)
    best = grade(working, 1000, 0.0)[1]
    assert best > 0.9
    assert grade(working, 10, 0.0)[1] < best
    assert grade(working, 1000, 0.3)[1] < best
    assert grade(replace(working, crystalline=0.2), 1000, 0.0)[1] < best
