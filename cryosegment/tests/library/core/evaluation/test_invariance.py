# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not matter: the order of micrographs, picks and particles; and perfect picks."""

from dataclasses import replace

import numpy as np
import pytest

from cryosegment.core.evaluation.metrics import score
from cryosegment.core.evaluation.rules import Rules
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.evaluation import as_json

RULES = Rules(
    20.0, 5.0, 20.0, distances=(2.0, 8.0), box_map=True, disc_pixels=True, samples=50, seed=1
)
NAMES = ("a", "b", "c")


def random_sets(seed):
    random, picks, reference = np.random.default_rng(seed), {}, {}
    for name in NAMES:
        particles = random.random((30, 2)) * 120
        near = particles[:20] + random.normal(0, 3, (20, 2))
        centers = np.concatenate([near, random.random((15, 2)) * 120])
        reference[name] = Coordinates(particles, 1.0, name)
        picks[name] = Coordinates(centers, 1.0, name, np.round(random.random(35), 1))
    return picks, reference


def without_order(evaluation):
    """All figures; of the marks only how many there are of each, as they follow the files."""
    rows = [
        replace(
            row,
            pick_marks="".join(sorted(row.pick_marks)),
            reference_marks="".join(sorted(row.reference_marks)),
        )
        for row in evaluation.micrographs
    ]
    values = as_json(replace(evaluation, micrographs=tuple(rows)))
    return flat(values)


def flat(values, key=""):
    if isinstance(values, dict):
        return [item for name, value in values.items() for item in flat(value, f"{key}.{name}")]
    if isinstance(values, list):
        return [item for i, value in enumerate(values) for item in flat(value, f"{key}.{i}")]
    return [(key, pytest.approx(values, abs=1e-9) if isinstance(values, float) else values)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("what", ["micrographs", "picks", "reference"])
def test_order_changes_nothing(seed, what):
    """Not even with many equal scores."""
    picks, reference = random_sets(seed)
    before = without_order(score("", picks, reference, RULES).evaluation)
    random = np.random.default_rng(seed)
    if what == "micrographs":
        picks, reference = (
            {name: own[name] for name in random.permutation(NAMES).tolist()}
            for own in (picks, reference)
        )
    elif what == "picks":
        picks = {name: own.select(random.permutation(len(own))) for name, own in picks.items()}
    else:
        reference = {n: own.select(random.permutation(len(own))) for n, own in reference.items()}
    assert without_order(score("", picks, reference, RULES).evaluation) == before


def test_perfect_picks_have_all_figures_at_their_best():
    _, reference = random_sets(0)
    perfect = {
        name: Coordinates(own.centers_yx, 1.0, name, np.ones(len(own)))
        for name, own in reference.items()
    }
    found = score("", perfect, reference, RULES).evaluation
    for row in (found.overall, *found.micrographs):
        for name in ("precision", "recall", "f1", "f_beta", "average_precision", "best_f1"):
            assert getattr(row, name) == 1, name
        for name in ("center_error_mean", "center_error_median", "count_error", "duplicates"):
            assert getattr(row, name) == 0, name
        assert row.calibration_error == 0
    assert all(row.f1 == row.average_precision == 1 for row in found.distances)
    assert found.boxes.mean_average_precision == 1
    assert all(row.f1 == row.precision == row.recall == row.iou == 1 for row in found.discs)
    assert found.mean_count_error == 0
    assert set(found.intervals.values()) == {(1.0, 1.0), (0.0, 0.0)}


@pytest.mark.parametrize("seed", range(5))
def test_marks_above_any_threshold_are_the_pairs_there(seed):
    """So that a threshold that is dragged counts right."""
    picks, reference = random_sets(seed)
    rows = score("", picks, reference, RULES).evaluation.micrographs
    for threshold in (0.3, 0.5, 0.8):
        chosen = {name: own.select(own.scores >= threshold) for name, own in picks.items()}
        anew = score("", chosen, reference, RULES).evaluation.micrographs
        for row, other in zip(rows, anew):
            above = picks[row.name].scores >= threshold
            marks = np.array(list(row.pick_marks))[above]
            assert (marks == "+").sum() == other.true_positives
