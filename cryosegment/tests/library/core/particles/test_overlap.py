# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.particles.overlap import (
    area_under_curve,
    confusion,
    intersection_over_union,
    overlap_of,
)


def test_intersection_over_union_of_all_pixels() -> None:
    random = np.random.default_rng(1)
    truth, found = random.integers(0, 3, (2, 4, 9, 9))
    counts = confusion(torch.from_numpy(found), torch.from_numpy(truth))
    expected = [
        ((truth == k) & (found == k)).sum() / ((truth == k) | (found == k)).sum() for k in range(3)
    ]
    np.testing.assert_allclose(intersection_over_union(counts).numpy(), expected)
    assert counts[0, 2] == ((truth == 0) & (found == 2)).sum()
    figures = overlap_of(counts)
    assert figures["iou"] == pytest.approx(np.mean(expected))
    assert figures["iou of edge"] == pytest.approx(expected[1])


def test_area_under_the_curve_counts_pairs() -> None:
    scores = torch.tensor([0.1, 0.4, 0.4, 0.7, 0.9, 0.2])
    good = torch.tensor([0, 0, 1, 1, 0, 1]).bool()
    pairs = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a, g in zip(scores, good, strict=True) if g
        for b, h in zip(scores, good, strict=True) if not h
    ]  # fmt: skip
    assert area_under_curve(scores, good) == pytest.approx(np.mean(pairs))
