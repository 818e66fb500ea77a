# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import torch
from scipy.ndimage import center_of_mass

from cryosegment.core.particles.augmentation import SHIFT, LabelledBatches
from cryosegment.core.particles.classes import SIGNAL
from cryosegment.core.particles.labelled import LabelledParticles


def bars(side: int, count: int = 3) -> LabelledParticles:
    """Bars in the middle of images, dark where their mask says so."""
    signal = torch.zeros(count, side, side, dtype=torch.uint8)
    signal[:, side // 2 - 2 : side // 2 + 2, side // 2 - 8 : side // 2 + 8] = 1
    return LabelledParticles(-4 * signal.half(), signal, np.zeros(count, int))


def test_image_and_mask_move_together() -> None:
    batches = LabelledBatches([bars(60)], 40, 5)
    images, targets = batches(3)
    assert images.shape == (40, 1, 60, 60)
    signal = (targets.classes == SIGNAL).numpy()
    overlap = signal == (images[:, 0] < -2).numpy()
    assert overlap.all()
    centers = np.array([center_of_mass(plane) for plane in signal if plane.any()])
    away = np.hypot(*(centers - 29.5).T)
    assert away.max() <= np.sqrt(2) * SHIFT * 60 + 1
    assert away.max() > SHIFT * 60
    tall = np.array([np.ptp(np.argwhere(plane), axis=0) for plane in signal])
    assert (tall[:, 0] > tall[:, 1] + 5).any()  # some have turned
    assert (tall[:, 1] > tall[:, 0] + 5).any()
    assert 55 <= np.median(signal.sum((1, 2))) <= 73  # their size is kept


def test_a_batch_is_of_one_size_and_drawn_from_the_step() -> None:
    batches = LabelledBatches([bars(40, 5), bars(50, 5)], 4, 1)
    sides = {batches(step)[0].shape[-1] for step in range(12)}
    assert sides == {40, 50}
    assert torch.equal(batches(2)[0], batches(2)[0])
    assert not torch.equal(batches(2)[1].classes, batches(1)[1].classes)
