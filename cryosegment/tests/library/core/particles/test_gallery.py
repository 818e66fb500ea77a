# SPDX-License-Identifier: GPL-3.0-or-later
import mrcfile
import numpy as np
import pytest
import torch

from cryosegment.core.particles import gallery
from cryosegment.core.particles.gallery import draw_gallery, shown_rows
from cryosegment.core.particles.model import ParticleMaps
from cryosegment.exchange.particles import open_particles
from cryosegment.exchange.particles.scores import select
from cryosegment.exchange.star import write_star

COUNT, SIDE = 40, 48


def bright(images, pixel_size):
    """Takes for signal what is brighter than the mean."""
    signal = (images > 0).float()
    probabilities = torch.stack((signal, torch.zeros_like(signal), 1 - signal), 1)
    return ParticleMaps(probabilities, None, pixel_size)


@pytest.fixture
def listed(tmp_path):
    """Images with a bright pixel column, whose place is their row, in two stacks."""
    images = np.zeros((COUNT, SIDE, SIDE), np.float32)
    images[np.arange(COUNT), :, np.arange(COUNT)] = 1
    mrcfile.write(tmp_path / "a.mrcs", images[::2])
    mrcfile.write(tmp_path / "b.mrcs", images[1::2])
    names = [f"{i // 2 + 1:06d}@{'ab'[i % 2]}.mrcs" for i in range(COUNT)]
    columns = {"rlnImageName": names, "rlnMicrographName": names, "rlnPixelSize": [2.0] * COUNT}
    write_star(tmp_path / "p.star", {"": columns})
    return open_particles(tmp_path / "p.star")


def place(image):
    """Column of the brightest stripe of a shown picture, in pixels of the box."""
    return (np.argmax(image.mean(0)) + 0.5) * SIDE / gallery.SIDE - 0.5


def test_best_worst_and_those_at_the_threshold():
    values = np.array([0.1, 0.9, np.nan, 0.5, 0.3, 0.7])
    rows = shown_rows(values, select({"quality": values}, threshold=0.5), 2)
    assert {name: found.tolist() for name, found in rows.items()} == {
        "best": [1, 5],
        "borderline": [3, 4],
        "worst": [4, 0],
    }
    near = select({"centring": values}, "centring", threshold=0.2)
    rows = shown_rows(values, near, 3)
    assert rows["best"].tolist() == [0, 4, 3]
    assert rows["borderline"].tolist() == [0, 4, 3]
    assert [len(found) for found in shown_rows(values, near, 9).values()] == [5, 5, 5]


def test_each_picture_is_that_of_its_row(listed):
    values = np.arange(COUNT) / COUNT
    selection = select({"quality": values}, threshold=0.5)
    found = draw_gallery(listed, values, selection, bright, 20.0)
    rows = shown_rows(values, selection)
    for name, group in found.groups.items():
        for row, shown in zip(rows[name], group, strict=True):
            assert shown.value == values[row]
            assert place(shown.image) == pytest.approx(row, abs=0.6)
            assert place(shown.signal) == pytest.approx(row, abs=0.6)


def test_averages_are_of_the_kept_and_of_the_dropped(listed, monkeypatch):
    values = np.arange(COUNT) / COUNT
    values[-1] = np.nan  # was not read
    selection = select({"quality": values}, threshold=0.25)
    found = draw_gallery(listed, values, selection, bright, 20.0)
    (kept, kept_count), (dropped, dropped_count) = found.averages.values()
    assert (kept_count, dropped_count) == (COUNT - 11, 10)
    stripes = dropped.mean(0) > 0
    assert stripes[:19].all()
    assert not stripes[22:].any()
    assert (kept.mean(0) > 0)[22:76].all()
    monkeypatch.setattr(gallery, "AVERAGED", 4)
    few = draw_gallery(listed, values, selection, bright, 20.0).averages
    assert [count for _, count in few.values()] == [4, 4]
    all_kept = select({"quality": values}, fraction=1.0)
    assert list(draw_gallery(listed, values, all_kept, bright, 20.0).averages) == ["kept"]
