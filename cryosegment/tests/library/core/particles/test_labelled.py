# SPDX-License-Identifier: GPL-3.0-or-later
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from cryosegment.core.images.resample import resample_labels
from cryosegment.core.particles.labelled import (
    fingerprint_of_particles,
    read_labelled_particles,
)
from cryosegment.core.particles.train import split_particles
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import BRIGHT, DARK, InputParams
from cryosegment.exchange.progress import no_progress

INPUT = InputParams(24.0)


def read(folders, contrast=BRIGHT, most=1000):
    return read_labelled_particles(folders, INPUT, contrast, most, 0, no_progress)


def test_signal_is_where_the_particle_is(extracted) -> None:
    (group,) = read([extracted.masks])
    shape = tuple(group.images.shape[1:])
    truth = np.stack([resample_labels(plane, shape) for plane in extracted.footprints])
    found = group.signal.numpy().astype(bool)
    overlap = (found & truth).sum((1, 2)) / (found | truth).sum((1, 2))
    assert len(group) == len(truth) > 10
    assert np.median(overlap) > 0.9
    assert overlap.min() > 0.6  # neighbours hide some of it
    inside = torch.stack([i[s > 0].float().mean() for i, s in zip(group.images, group.signal)])
    assert (inside < -0.2).all()  # particles are dark to a network
    (bright,) = read([extracted.masks], DARK)
    torch.testing.assert_close(bright.images, -group.images)


def test_particles_of_a_micrograph_stay_together(extracted) -> None:
    groups = read([extracted.masks])
    assert set(groups[0].units) == {0, 1}
    parts = split_particles(groups, 0.2, 0)
    (training,), (validation,) = parts.training, parts.validation
    assert parts.is_held_out
    assert len(set(training.units)) == len(set(validation.units)) == 1
    assert set(training.units).isdisjoint(validation.units)
    assert len(training) + len(validation) == len(groups[0])


def test_folders_have_micrographs_of_their_own(extracted) -> None:
    groups = read([extracted.masks, extracted.masks])
    assert set(groups[0].units) == {0, 1, 2, 3}
    assert len(groups[0]) == 2 * len(extracted.footprints)
    some = read([extracted.masks, extracted.masks], most=7)
    assert sum(map(len, some)) == 7
    assert fingerprint_of_particles(some) != fingerprint_of_particles(groups)


def test_one_micrograph_is_trained_and_validated_on(extracted, caplog) -> None:
    (group,) = read([extracted.masks])
    alone = group.select(group.units == 0)
    parts = split_particles([alone], 0.2, 0)
    assert not parts.is_held_out
    assert len(parts.training[0]) == len(parts.validation[0]) == len(alone)
    assert "flatters" in caplog.text


def test_folders_that_cannot_be_used(extracted, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read([tmp_path])
    copy = tmp_path / "masks"
    shutil.copytree(extracted.masks, copy)
    with pytest.raises(InputError, match=r"stack .* is neither in"):
        read([copy])  # the stacks are elsewhere
    (copy / "report.json").write_text("{}")
    with pytest.raises(InputError, match="make the masks again"):
        read([copy])
    with pytest.raises(InputError, match="found none: make masks"):
        split_particles([], 0.2, 0)
