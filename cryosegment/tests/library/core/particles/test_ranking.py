# SPDX-License-Identifier: GPL-3.0-or-later
import threading

import mrcfile
import numpy as np
import pytest

from cryosegment.core.particles.ranking import SCORES_ARRAY, Ranking
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import RankParams
from cryosegment.exchange.particles import open_particles
from cryosegment.exchange.particles.scores import SCORES
from cryosegment.exchange.star import write_star

SIZES = {"a": 5, "b": 3, "c": 4}


@pytest.fixture
def listed(tmp_path):
    """Particles of three stacks, whose images have the numbers of their rows; in mixed order."""
    names = [f"{i + 1:06d}@{stack}.mrcs" for stack, size in SIZES.items() for i in range(size)]
    order = np.random.default_rng(0).permutation(len(names))
    levels = np.empty(len(names), np.float32)
    levels[order] = np.arange(len(names))
    first = 0
    for stack, size in SIZES.items():
        part = np.full((size, 4, 4), levels[first : first + size, None, None])
        mrcfile.write(tmp_path / f"{stack}.mrcs", part)
        first += size
    table = {"rlnImageName": [names[i] for i in order], "rlnPixelSize": [2.0] * len(names)}
    write_star(tmp_path / "particles.star", {"": table})
    return tmp_path / "particles.star"


def level(images, pixel_size, rows):
    """Scores that tell which images were seen."""
    return {name: images.mean((1, 2)) + 100 * i for i, name in enumerate(SCORES)}


def rank(listed, *scorers, resume=False, **params):
    seen = []
    params = RankParams(particles=str(listed), resume=resume, **params)
    ranking = Ranking(open_particles(listed), listed.parent, params)
    found = ranking.run(scorers or (level,), lambda *progress: seen.append(progress))
    assert seen[-1][:2] == (12, 12)
    return found


@pytest.mark.parametrize("workers", [1, 3])
def test_each_score_belongs_to_its_row(listed, workers):
    found = rank(listed, *[level] * workers)
    for i, name in enumerate(SCORES):
        np.testing.assert_array_equal(found.scores[name], np.arange(12) + 100 * i)
    assert found.failures == {}
    assert found.stacks == 3


def test_a_scorer_is_told_the_rows_of_its_images(listed):
    def own(images, pixel_size, rows):
        assert pixel_size == 2.0
        np.testing.assert_array_equal(images.mean((1, 2)), rows)
        return level(images, pixel_size, rows)

    rank(listed, own)


def test_workers_have_a_scorer_of_their_own(listed):
    """Each is at work in one thread at a time; both are waited for."""
    both = threading.Barrier(2, timeout=60)

    def scorer():
        calls, lock = [], threading.Lock()

        def score(images, pixel_size, rows):
            assert lock.acquire(blocking=False)
            if not calls:
                both.wait()
            calls.append(len(images))
            lock.release()
            return level(images, pixel_size, rows)

        score.calls = calls
        return score

    scorers = scorer(), scorer()
    rank(listed, *scorers)
    assert sum(sum(each.calls) for each in scorers) == 12


def test_a_stack_that_cannot_be_read_is_listed_and_the_rest_go_on(listed):
    (listed.parent / "b.mrcs").unlink()
    found = rank(listed)
    assert list(found.failures) == ["b.mrcs"]
    assert "is neither in" in found.failures["b.mrcs"]
    is_lost = np.isnan(found.scores["quality"])
    stacks = open_particles(listed).stacks
    assert [stacks.stacks[row] == "b.mrcs" for row in range(12)] == is_lost.tolist()


def test_a_stack_that_was_lost_since_has_no_scores(listed):
    before = rank(listed).scores["quality"].copy()
    (listed.parent / "b.mrcs").unlink()
    after = rank(listed, resume=True).scores["quality"]
    assert np.isnan(after).sum() == SIZES["b"]
    np.testing.assert_array_equal(after[~np.isnan(after)], before[~np.isnan(after)])


def counting(calls):
    def score(images, pixel_size, rows):
        calls.extend(images.mean((1, 2)).tolist())
        return level(images, pixel_size, rows)

    return score


def test_a_run_goes_on_where_it_was_stopped(listed):
    def stopped(images, pixel_size, rows):
        if len(calls) > 4:
            raise KeyboardInterrupt
        return counting(calls)(images, pixel_size, rows)

    calls, later = [], []
    with pytest.raises(KeyboardInterrupt):
        rank(listed, stopped)
    assert 0 < len(calls) < 12
    found = rank(listed, counting(later), resume=True)
    np.testing.assert_array_equal(found.scores["quality"], np.arange(12))
    assert sorted(calls + later) == list(range(12))


@pytest.mark.parametrize("what", ["stack", "diameter", "scores", "no resume"])
def test_what_is_not_the_same_is_scored_again(listed, what):
    calls = []
    rank(listed)
    if what == "stack":
        mrcfile.write(listed.parent / "b.mrcs", np.zeros((3, 4, 4), np.float32) + 7, overwrite=True)
    if what == "scores":
        (listed.parent / SCORES_ARRAY).write_bytes(b"damaged")
    diameter = 50.0 if what == "diameter" else None
    rank(listed, counting(calls), resume=what != "no resume", diameter=diameter)
    assert len(calls) == (3 if what == "stack" else 12)
    calls.clear()
    rank(listed, counting(calls), resume=True, diameter=diameter, keep="0.3")
    assert calls == []


def test_after_an_unfinished_new_run_nothing_counts_as_finished(listed):
    """Even though an earlier run, with the same parameters, had finished all."""

    def failing(images, pixel_size, rows):
        raise KeyboardInterrupt

    calls = []
    rank(listed)
    with pytest.raises(KeyboardInterrupt):
        rank(listed, failing)
    rank(listed, counting(calls), resume=True)
    assert len(calls) == 12


def test_errors_of_a_scorer_are_those_of_its_stack(listed):
    def strict(images, pixel_size, rows):
        if (images.mean((1, 2)) == 0).any():
            raise InputError("too dark")
        return level(images, pixel_size, rows)

    assert list(rank(listed, strict).failures.values()) == ["too dark"]
