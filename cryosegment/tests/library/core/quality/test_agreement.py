# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.images.working import WorkingImage
from cryosegment.core.quality.agreement import agreement
from cryosegment.core.quality.segmentation import Segmentation

DIAMETER = 40.0  # 10 px of the working image, 20 of the micrograph


@pytest.fixture
def working():
    """100 x 80 px at 4 Å/px of a micrograph of 2 Å/px; its last ten columns are dead."""
    valid = torch.ones(100, 80, dtype=torch.bool)
    valid[:, 70:] = False
    return WorkingImage(torch.zeros(100, 80), valid, 4.0, (2.0, 2.0))


def test_counts_by_hand(working):
    """Centres in px of the micrograph, maps in px of the working image."""
    instances = torch.zeros(100, 80, dtype=torch.int32)
    instances[20:30, 20:30] = 1
    instances[50:60, 20:30] = 2
    classes = (instances > 0).int()
    classes[80:, :] = -1
    classes[:15, :] = 2
    particle = torch.zeros(100, 80, dtype=torch.bool)
    particle[20:30, 25:35] = True  # half of the first
    particle[85:90, 20:30] = True  # where nothing is known
    particle[50:60, 75:80] = True  # on the dead border
    centers_yx = np.array([[50.0, 50.0], [110.0, 50.0], [4.0, 50.0], [100.0, 134.0]])
    found = np.array(
        [
            [54.0, 52.0],  # 4.5 px from the first: within a quarter of 20 px
            [6.0, 52.0],  # the third, which is not judged
            [110.0, 56.0],  # 6 px from the second: beyond
            [60.0, 100.0],  # unlabelled
            [170.0, 50.0],  # where nothing is known
            [20.0, 100.0],  # on contamination
        ]
    )
    result = agreement(
        Segmentation(particle, found), working, DIAMETER, (instances, classes), centers_yx
    )
    # the third is nearer than half a diameter to the border, the fourth to the dead border
    assert result.judged.tolist() == [True, True, False, False]
    assert result.supported.tolist() == [True, False, False, False]
    assert result.supported_part == 0.5
    assert result.strong == 4
    assert result.unlabelled_yx.tolist() == [[110.0, 56.0], [60.0, 100.0]]
    assert result.unlabelled_part == pytest.approx(2 / 4)
    assert result.pixels.iou == pytest.approx(50 / (100 + 100 + 50))


def test_nothing_labelled_or_found(working):
    nothing = torch.zeros(100, 80, dtype=torch.int32)
    result = agreement(
        Segmentation(nothing > 0, np.empty((0, 2))),
        working,
        DIAMETER,
        (nothing, nothing),
        np.empty((0, 2)),
    )
    assert np.isnan([result.supported_part, result.unlabelled_part, result.pixels.iou]).all()
