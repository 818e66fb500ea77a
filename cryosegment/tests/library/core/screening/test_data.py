# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
import torch

from cryosegment.core.screening.data import (
    SHARES,
    BoxBatches,
    BoxTargets,
    PickedImage,
    box_loss,
)
from cryosegment.exchange.labels import CONTAMINATION
from cryosegment.tests.labelled import labelled_image

DIAMETER = 20.0


@pytest.fixture
def images() -> list[PickedImage]:
    """Grey levels tell what is where: particles 1, background 2, contamination 3, bad picks 4."""
    found = []
    for _ in range(2):
        centers = torch.cartesian_prod(torch.arange(40, 240, 40), torch.arange(40, 240, 40)).float()
        bad = torch.tensor([[60.0, 60.0], [60.0, 100.0], [260.0, 140.0]])
        image = torch.full((300, 300), 2.0)
        for grey, places in ((1.0, centers), (4.0, bad)):
            for y, x in places.long().tolist():
                image[y - 6 : y + 7, x - 6 : x + 7] = grey
        item = labelled_image(image, centers, DIAMETER)
        classes = item.classes.clone()
        classes[250:, :] = CONTAMINATION
        image[250:, :][image[250:, :] != 4] = 3.0
        picks = torch.cat((centers[:4] + 1, bad))
        found.append(PickedImage(replace(item, classes=classes), picks))
    return found


def test_boxes_show_what_their_targets_say(images: list[PickedImage]) -> None:
    batches = BoxBatches(lambda random: images, 100, 0)
    boxes, targets = batches(7)
    middle = boxes[:, 0, 30:34, 30:34].mean((1, 2))
    # contrast varies by a tenth: compare where no grey level is near another's
    clear = (middle - middle.round()).abs() < 0.2
    bad_pick = middle.round() == 4
    background = middle.round() == 2
    contaminated = middle.round() == 3
    assert (targets.kinds[clear & (middle.round() == 1)] == 0).all()
    assert (targets.kinds[clear & background] == 2).all()
    assert (targets.kinds[clear & contaminated] == 1).float().mean() > 0.9
    assert set(targets.kinds[clear & bad_pick].tolist()) <= {1, 2}
    assert (targets.kinds == 0).sum() == round(SHARES[0] * 100)


def test_particles_are_turned_mirrored_and_off_the_middle() -> None:
    """A mark beside a particle is seen in eight directions, and never quite in the same place."""
    image = torch.zeros(300, 300)
    image[166, 156] = 1.0
    center = torch.tensor([[150.0, 150.0]])
    picked = PickedImage(labelled_image(image, center, DIAMETER), torch.zeros(0, 2))
    boxes, targets = BoxBatches(lambda random: [picked] * 200, 400, 0)(0)
    particles = boxes[targets.kinds == 0, 0]
    marks = torch.tensor([divmod(int(box.argmax()), box.shape[1]) for box in particles]) - 31.5
    y, x = marks.T
    directions = {*zip((y > 0).tolist(), (x > 0).tolist(), (y.abs() > x.abs()).tolist())}
    assert len(directions) == 8
    longer = torch.maximum(y.abs(), x.abs())
    assert float(longer.std()) == pytest.approx(0.07 * DIAMETER, rel=0.3)


def test_a_batch_depends_on_its_step_alone(images: list[PickedImage]) -> None:
    one, same, other = (BoxBatches(lambda random: images, 40, 0)(step) for step in (3, 3, 4))
    assert torch.equal(one[0], same[0])
    assert torch.equal(one[1].kinds, same[1].kinds)
    assert not torch.equal(one[0], other[0])


def test_the_loss_is_the_cross_entropy() -> None:
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, -1.0]])
    (term,) = box_loss(logits, BoxTargets(torch.tensor([0, 2]))).values()
    softmax = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True)
    assert float(term) == pytest.approx(-np.log([softmax[0, 0], softmax[1, 2]]).mean(), abs=1e-5)
