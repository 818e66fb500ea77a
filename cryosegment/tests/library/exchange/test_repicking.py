# SPDX-License-Identifier: GPL-3.0-or-later
"""Other picks from kept candidates, against what the definitions of the parameters say."""

from dataclasses import replace

import numpy as np
import pytest

from cryosegment.exchange.card import ModelCard, TrainedNetwork, Use
from cryosegment.exchange.coordinates import Coordinates, read_coordinates, write_coordinates
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.job import Job
from cryosegment.exchange.mixture import probabilities_in_data_set
from cryosegment.exchange.params import (
    CalibrationParams,
    InputParams,
    PickParams,
    RepickParams,
)
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, PickFolder
from cryosegment.exchange.pick_summary import MicrographSummary, write_summaries
from cryosegment.exchange.records import record_from_dict, record_to_dict
from cryosegment.exchange.repicking import Repicking, picking_job
from cryosegment.exchange.settling import settle
from cryosegment.exchange.thresholds import threshold_of_best_f1, threshold_of_precision

NAMES = ("one", "two.b")
SIZE, SHAPE = 2.0, (700, 500)
DIAMETER = 60.0  # Å
BEFORE = PickParams(diameter=DIAMETER, threshold="0.5", min_distance="0.5")
CARD = ModelCard(
    "some",
    TrainedNetwork("compact", {}, ()),
    InputParams(20.0),
    Use(0.3005, calibration=CalibrationParams(a=1.0, b=1.0, c=0.0)),
)


@pytest.fixture
def source(tmp_path):
    """A picking run whose candidates stand 15 px from the edge, on a grid so that none is close."""
    folder, random = PickFolder(tmp_path / "picks"), np.random.default_rng(4)
    grid = np.stack(np.mgrid[30:680:20, 30:480:20], -1).reshape(-1, 2)
    for name in NAMES:
        centers = grid + random.uniform(-2, 2, grid.shape)
        scores = np.round(np.sort(random.uniform(0.02, 1, len(grid)))[::-1], 3)
        sizes = random.uniform(30, 90, len(grid))
        sizes[::7] = np.nan
        rows = random.permutation(len(grid))
        found = Coordinates(centers[rows], SIZE, name, scores, diameters=sizes)
        write_coordinates(folder.file(CANDIDATES, name), found)
    write_summaries(
        folder.path,
        [MicrographSummary(n, SIZE, SHAPE, 0, 1.0, 0.5, 0.1, "empty", 0.25) for n in NAMES],
    )
    return folder


def repicked(source, target, card=CARD, **wishes):
    """Candidates and picks of each micrograph with other parameters."""
    names = [*NAMES, "failed"]
    files = tuple(f"/data/{name}.mrc" for name in names)
    job = Job("pick", record_to_dict(BEFORE), files, str(source.path), tuple(names))
    after = RepickParams(**wishes).changed(BEFORE)
    run = Repicking(source, PickFolder(target), job, card, BEFORE, after, source.summaries())
    run.begin()
    for name in run.micrographs:
        run.take(name)
    settled = settle(list(run.micrographs.items()), card, after, target)
    found = {
        kind: {name: run.target.read(kind, name, SIZE) for name in NAMES}
        for kind in (CANDIDATES, COORDINATES)
    }
    return found[CANDIDATES], found[COORDINATES], settled


def same(one, other):
    return np.array_equal(one.centers_yx, other.centers_yx) and np.array_equal(
        one.scores, other.scores
    )


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"threshold": "0.8"},
        {"threshold": " Auto "},
        {"threshold": "card"},
        {"precision": 0.9},
        {"number": 100},
        {"min_diameter": "45", "max_diameter": "75"},
        {"number": 50, "max_diameter": "50"},
    ],
    ids=str,
)
def test_picks_are_the_candidates_that_the_parameters_say(source, tmp_path, wishes):
    before = {name: source.read(CANDIDATES, name, SIZE) for name in NAMES}
    candidates, picks, settled = repicked(source, tmp_path / "out", **wishes)
    low, high = (
        float(wishes.get(f"{end}_diameter", edge)) for end, edge in (("min", 0), ("max", 99))
    )
    fits = {
        name: (np.nan_to_num(found.diameters) >= low) & (np.nan_to_num(found.diameters) <= high)
        for name, found in before.items()
    }
    scores = np.concatenate([before[name].scores[fits[name]] for name in NAMES])
    threshold = wishes.get("threshold", "0.5").strip().lower()
    if "number" in wishes:
        lowest = np.sort(scores)[::-1][wishes["number"] - 1]
    elif "precision" in wishes:
        lowest = threshold_of_precision(scores, probabilities_in_data_set(scores), 0.9)
    elif threshold == "auto":
        lowest = threshold_of_best_f1(scores, probabilities_in_data_set(scores))
    else:
        lowest = 0.3005 if threshold == "card" else float(threshold)  # its calibration is none
    for name in NAMES:
        assert same(candidates[name], before[name])
        expected = before[name].select(fits[name] & (before[name].scores >= lowest))
        assert 0 < len(expected) < len(before[name])
        assert same(picks[name], expected)
        row = PickFolder(tmp_path / "out").summaries()[name]
        assert (row.picks, row.grade, row.quality) == (len(expected), "empty", 0.25)
        assert row.mean_score == pytest.approx(expected.scores.mean(), abs=1e-3)
    assert settled.picks == sum(map(len, picks.values()))
    together = read_coordinates(tmp_path / "out", SIZE)
    assert all(same(together[name], picks[name]) for name in NAMES)


def test_larger_distances_are_those_of_a_double_loop(source, tmp_path):
    candidates, _, _ = repicked(source, tmp_path / "out", min_distance="0.9", edge=1.0)
    for name in NAMES:
        before, kept = source.read(CANDIDATES, name, SIZE), []
        for row in np.argsort(-before.scores, kind="stable"):
            y, x = before.centers_yx[row]
            room = min(y + 0.5, x + 0.5, SHAPE[0] - 0.5 - y, SHAPE[1] - 0.5 - x)
            away = np.linalg.norm(before.centers_yx[kept] - (y, x), axis=1)
            if room * SIZE >= 1.0 * DIAMETER and (away * SIZE >= 0.9 * DIAMETER).all():
                kept.append(row)
        expected = before.select(np.sort(kept))
        assert len(before) > 1.5 * len(kept) > 100
        assert same(candidates[name], expected)
        row = PickFolder(tmp_path / "out").summaries()[name]
        assert row.expected == pytest.approx(expected.scores.sum(), abs=1e-3)


def test_candidates_are_never_closer_than_they_were_kept(source, tmp_path):
    """The same distances again drop none, though files round what is just far enough."""
    centers = [[100.0, 100.0], [100.0, 114.9999], [14.4999, 200.0]]
    close = Coordinates(centers, SIZE, NAMES[0], [0.9, 0.8, 0.7])
    write_coordinates(source.file(CANDIDATES, NAMES[0]), close)
    candidates, picks, _ = repicked(source, tmp_path / "out", min_distance="0.5", edge=0.5)
    assert len(candidates[NAMES[0]]) == len(picks[NAMES[0]]) == 3


def test_the_run_that_would_have_given_the_picks_is_left_beside_them(source, tmp_path):
    """So that they can be picked again in turn; micrographs that failed are not in it."""
    repicked(source, tmp_path / "out", number=70, min_distance="0.9", formats=("box",))
    job = picking_job(tmp_path / "out")
    assert job.names == NAMES
    assert job.inputs == ("/data/one.mrc", "/data/two.b.mrc")
    made = record_from_dict(PickParams, job.params)
    expected = {"number": 70, "threshold": "auto", "min_distance": "0.9", "formats": ("box",)}
    assert made == replace(BEFORE, **expected)
    assert (tmp_path / "out" / "box" / "one.box").exists()


def test_parameters_that_do_not_fit(source, tmp_path):
    with pytest.raises(ParameterError, match="one of threshold, precision and number"):
        RepickParams(threshold="0.4", number=5).changed(BEFORE)
    with pytest.raises(ParameterError, match="expected max diameter to be auto or a number"):
        RepickParams(max_diameter="large").changed(BEFORE)
    job = Job("crf", {}, (), str(source.path))
    job.write(tmp_path / "picks" / "job.json")
    with pytest.raises(InputError, match="found those of `cryosegment crf`"):
        picking_job(source.path)
