# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
import torch

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.screening.boxes import decided, kinds_at, random_places
from cryosegment.exchange.labels import CONTAMINATION, PARTICLE, UNKNOWN
from cryosegment.tests.labelled import labelled_image

DIAMETER = 20.0


@pytest.fixture
def item() -> LabelledImage:
    """Particles at (30, 30) and (30, 80), contamination below row 70, unknown beyond column 110."""
    blank = labelled_image(
        torch.zeros(100, 120), torch.tensor([[30.0, 30.0], [30.0, 80.0]]), DIAMETER
    )
    classes = blank.classes.clone()
    classes[22:38, 22:38] = PARTICLE
    classes[70:] = CONTAMINATION
    classes[:, 110:] = UNKNOWN
    return replace(blank, classes=classes)


def test_what_labels_say_of_places(item: LabelledImage) -> None:
    expected = {
        (30.0, 33.0): 0,  # within a quarter of the diameter
        (30.0, 36.0): -1,  # on a particle, but off its centre
        (30.0, 88.0): -1,  # background within half a diameter of a centre
        (50.0, 55.0): 2,
        (80.0, 20.0): 1,
        (50.0, 115.0): -1,
    }
    places = torch.tensor(list(expected))
    assert kinds_at(item, places).tolist() == list(expected.values())
    found = decided(item, places)
    assert found.kinds.tolist() == [0, 2, 1]
    assert found.centers_yx.tolist() == [[30.0, 33.0], [50.0, 55.0], [80.0, 20.0]]


def test_random_places_hold_no_particle(item: LabelledImage) -> None:
    places = random_places(item, 2000, np.random.default_rng(0))
    distance = torch.cdist(places.centers_yx, item.centers_yx).min(1).values
    is_noise = places.kinds == 2
    assert (distance[is_noise] > DIAMETER / 2).all()
    share = 30 * 110 / (100 * 120)
    assert abs(float((places.kinds == 1).sum()) / 2000 - share) < 0.04
