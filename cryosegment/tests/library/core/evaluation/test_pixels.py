# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixel figures against NumPy's set operations."""

import math

import numpy as np
import pytest
import torch

from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels


def random_masks(seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(20, 30, generator=generator) > level for level in (0.5, 0.6, 0.2)]


def test_figures_are_those_of_sets():
    mask, reference, _ = random_masks(0)
    counts = count_pixels(mask, reference)
    a, b = set(np.flatnonzero(mask.numpy())), set(np.flatnonzero(reference.numpy()))
    assert counts.iou == pytest.approx(len(a & b) / len(a | b))
    assert counts.precision == pytest.approx(len(a & b) / len(a))
    assert counts.recall == pytest.approx(len(a & b) / len(b))
    assert counts.f1 == pytest.approx(2 * len(a & b) / (len(a) + len(b)))
    assert counts.accuracy == pytest.approx((mask == reference).double().mean().item())


def test_counts_of_images_add_up():
    masks = [random_masks(seed)[:2] for seed in (1, 2)]
    together = count_pixels(*(torch.cat(images) for images in zip(*masks)))
    assert count_pixels(*masks[0]) + count_pixels(*masks[1]) == together


def test_unknown_pixels_do_not_count():
    mask, reference, known = random_masks(3)
    assert count_pixels(mask, reference, known) == count_pixels(mask[known], reference[known])


def test_figures_of_nothing_do_not_exist():
    counts = PixelCounts(true_negatives=4)
    assert all(math.isnan(x) for x in (counts.precision, counts.recall, counts.iou, counts.f1))
    assert counts.accuracy == 1.0
