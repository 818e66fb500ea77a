# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np

from cryosegment.core.labels.screening import screen
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.particles import Particles


def particles(centers_yx, scores=None, angles=None):
    count = len(centers_yx)
    return Particles(
        micrographs=("m",) * count,
        centers_yx=centers_yx,
        angles=np.zeros((count, 3)) if angles is None else angles,
        shifts_yx=np.zeros((count, 2)),
        pixel_sizes=np.full(count, 1.0),
        scores=np.ones(count) if scores is None else scores,
        rows=np.arange(11, 11 + count),
        shapes=np.zeros((count, 2)),
    )


def test_every_particle_is_labelled_or_rejected_with_its_reason():
    nan = np.nan
    centers = np.array([[5, 5], [nan, 5], [5, 100], [20, 20], [30, 30], [5.5, 5], [-0.4, 0]])
    angles = np.zeros((7, 3))
    angles[3, 1] = nan
    flaws = {"no orientation": np.arange(7) == 3, "poor score": np.isin(range(7), (3, 4))}
    scores = np.array([1, 1, 1, 1, 0.1, 0.9, 1])
    some = particles(centers, scores, angles)
    found = screen(some, some.micrographs, centers, (50, 60), 2.0, flaws)
    assert tuple(found.labelled.rows) == (11, 17)
    assert tuple(found.doubtful.rows) == (13, 15)
    assert tuple(found.shapeless.rows) == (14,)
    assert {r.row: (r.reason, r.detail) for r in found.rejections} == {
        12: ("no coordinates", ""),
        13: ("outside the micrograph", ""),
        14: ("no orientation", ""),
        15: ("poor score", ""),
        16: ("duplicate", "of row 11"),
    }
    assert {r.micrograph for r in found.rejections} == {"m"}
    assert found.counts["particles"] == 7
    assert found.counts["labelled"] == 2
    assert found.counts["duplicate"] == 1


def test_of_duplicates_the_best_stays_and_of_equal_ones_the_first():
    centers = np.array([[5.0, 5], [5, 6], [5, 7], [30, 30], [30, 30]])
    some = particles(centers, scores=np.array([0.1, 0.9, 0.5, 1, 1]))
    found = screen(some, some.micrographs, centers, (50, 60), 1.5, {})
    assert tuple(found.labelled.rows) == (12, 14)
    assert {r.row: r.detail for r in found.rejections} == {
        11: "of row 12",
        13: "of row 12",
        15: "of row 14",
    }


def test_coordinates_are_sorted_like_particles():
    some = Coordinates([[5.0, 5], [99, 5], [5, 5.5]], 1.0, "mic", rows=[4, 6, 8])
    found = screen(some, ["mic"] * 3, some.centers_yx, (50, 60), 1.0, {})
    assert found.labelled.rows.tolist() == [4]
    assert [(r.row, r.reason) for r in found.rejections] == [
        (6, "outside the micrograph"),
        (8, "duplicate"),
    ]
