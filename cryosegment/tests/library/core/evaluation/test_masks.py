# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks against NumPy's counts and a loop over all pairs of instances."""

import numpy as np
import pytest
from skimage.measure import label

from cryosegment.core.evaluation.instances import scores_of_instances
from cryosegment.core.evaluation.masks import compare_masks, join_masks
from cryosegment.core.evaluation.rules import OVERLAPS
from cryosegment.exchange.coordinates import Coordinates

NONE = Coordinates(np.empty((0, 2)), 1.0, "m")
COUNTS = np.zeros((60, 80), bool)


def random_labels(seed, share=0.7):
    """Blobs, and a copy of some of them, each a little eaten away."""
    random = np.random.default_rng(seed)
    coarse = np.kron(random.random((12, 16)) < 0.35, np.ones((5, 5), int))
    reference = label(coarse, connectivity=1)
    found = np.where(random.random(reference.shape) < 0.85, reference, 0)
    kept = random.random(reference.max() + 1) < share
    extra = label(np.kron(random.random((12, 16)) < 0.05, np.ones((5, 5), int)))
    found = np.where(kept[found], found, 0)
    return np.where((found == 0) & (extra > 0), extra + reference.max(), found), reference


def by_all_pairs(found, reference, least, scores):
    """Average precision, with instances in order of their scores taking what overlaps enough."""
    free = set(np.unique(reference[reference > 0]))
    total, area, hits = len(free), 0.0, 0
    numbers = np.unique(found[found > 0])
    order = np.argsort(-np.array([scores[n] for n in numbers]), kind="stable")
    for rank, number in enumerate(numbers[order], start=1):
        for other in free:
            one, two = found == number, reference == other
            if (one & two).sum() / (one | two).sum() >= least:
                free.remove(other)
                hits += 1
                area += hits / rank / total
                break
    return area


@pytest.mark.parametrize("seed", range(5))
def test_instances_by_score(seed):
    found, reference = random_labels(seed)
    numbers = np.unique(found[found > 0])
    random = np.random.default_rng(seed)
    centers = np.array([np.argwhere(found == n)[0] for n in numbers], float)
    scores = random.permutation(len(numbers)).astype(float)
    picks = Coordinates(centers, 1.0, "m", scores)
    row = compare_masks(found, reference, picks, COUNTS, 2.0).metrics("m")
    by_number = dict(zip(numbers.tolist(), scores.tolist()))
    expected = [by_all_pairs(found, reference, least, by_number) for least in OVERLAPS]
    assert row.average_precision == pytest.approx(expected)
    assert row.mean_average_precision == pytest.approx(np.mean(expected))
    assert (row.instances, row.reference) == (len(numbers), len(np.unique(reference)) - 1)
    assert 0.1 < row.mean_average_precision < 0.9


def test_pixels_of_both_classes():
    found, reference = random_labels(0)
    particle, background = compare_masks(found, reference, NONE, COUNTS, 2.0).metrics("m").classes
    one, two = found > 0, reference > 0
    assert particle.iou == pytest.approx((one & two).sum() / (one | two).sum())
    assert background.iou == pytest.approx((~one & ~two).sum() / (~one | ~two).sum())
    assert background.precision == pytest.approx((~one & ~two).sum() / (~one).sum())
    assert particle.accuracy == background.accuracy == pytest.approx((one == two).mean())


def test_perfect_masks():
    _, reference = random_labels(1)
    row = compare_masks(reference, reference, NONE, COUNTS, 1.0).metrics("m")
    assert row.boundary_f1 == row.mean_average_precision == 1
    assert all(own.f1 == own.accuracy == own.iou == 1 for own in row.classes)


def test_numbers_of_instances_do_not_matter():
    found, reference = random_labels(2)
    row = compare_masks(found, reference, NONE, COUNTS, 2.0).metrics("m")
    renumbered = np.random.default_rng(0).permutation(1000)[:200] + 1
    other = np.where(found > 0, renumbered[found], 0)
    assert compare_masks(other, reference, NONE, COUNTS, 2.0).metrics("m") == row


def test_what_is_ignored_does_not_count():
    found, reference = random_labels(3)
    ignored = COUNTS.copy()
    ignored[:, 40:] = True
    row = compare_masks(found, reference, NONE, ignored, 2.0).metrics("m")
    unknown = np.where(ignored, -1, reference)
    assert compare_masks(found, unknown, NONE, COUNTS, 2.0).metrics("m").classes == row.classes
    half = compare_masks(found[:, :40], reference[:, :40], NONE, COUNTS[:, :40], 2.0).metrics("m")
    assert (row.classes, row.average_precision) == (half.classes, half.average_precision)


def test_micrographs_together():
    both = [random_labels(seed) for seed in (4, 5)]
    outcomes = [compare_masks(*labels, NONE, COUNTS, 2.0) for labels in both]
    side = [np.concatenate(labels, axis=1) for labels in zip(*both)]
    side = [np.where((own > 0) & (np.arange(160) >= 80), own + 1000, own) for own in side]
    wide = compare_masks(*side, NONE, np.zeros((60, 160), bool), 2.0).metrics("overall")
    total = join_masks(outcomes)
    assert total.classes == wide.classes
    assert total.average_precision == pytest.approx(wide.average_precision)


def test_an_instance_has_the_score_of_the_best_pick_in_it():
    labels = np.zeros((10, 30), int)
    labels[:, :10], labels[:, 20:] = 7, 3
    centers = np.array([[5.0, 5], [5, 6], [5, 25], [5, 15], [50, 50]])
    scores = np.array([0.2, 0.6, 0.4, 0.9, 1.0])
    assert scores_of_instances(labels, centers, scores).tolist() == [0.4, 0.6]  # 3 comes first
    labels[0, 15] = 9
    assert scores_of_instances(labels, centers, scores)[2] < 0.2


def test_no_instances_at_all():
    nothing = np.zeros((60, 80), int)
    _, reference = random_labels(6)
    row = compare_masks(nothing, reference, NONE, COUNTS, 2.0).metrics("m")
    assert (row.instances, row.mean_average_precision, row.classes[0].recall) == (0, 0, 0)
