# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.models.model import Model
from cryosegment.core.picking import Candidates
from cryosegment.core.pipeline.micrograph import pick_micrograph, prepare
from cryosegment.core.tuning.pick_model import mapped_image, summary
from cryosegment.core.tuning.pick_search import (
    average_precision,
    choose,
    f1_by_distance,
    judge,
    try_selections,
)
from cryosegment.core.tuning.thresholds import THRESHOLDS, Counts, compare
from cryosegment.core.tuning.trials import Trial
from cryosegment.exchange.card import Use
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.params import PickParams, SelectionParams
from cryosegment.exchange.parts import CENTER_FINDERS
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.settings import pick_settings
from cryosegment.tests.labelled import labelled_image

DIAMETER = 60.0


def discs(truth: object, model: Model) -> LabelledImage:
    """A micrograph of discs at working scale with its centres."""
    working = prepare(truth.micrograph, pick_settings(PickParams(diameter=DIAMETER), model.card))
    centers = torch.from_numpy(truth.centers_yx / np.array(working.scale_yx)).float()
    item = labelled_image(working.image, centers, DIAMETER / working.pixel_size)
    return replace(item, working=working)


def random_counts(random: np.random.Generator, labelled: int = 40) -> Counts:
    """Counts as they may come: falling with the threshold, hits no more than either."""
    picks = np.sort(random.integers(0, 60, len(THRESHOLDS)))[::-1]
    hits = np.minimum(np.minimum(picks, labelled), (picks * random.uniform(0.3, 1)).astype(int))
    return Counts(hits, picks, labelled)


def test_average_precision_agrees_with_the_evaluation() -> None:
    """Of scores on the thresholds the coarse sum is the exact one."""
    random = np.random.default_rng(0)
    reference = random.uniform(0, 300, (40, 2))
    picks = np.concatenate(
        (reference[:30] + random.normal(0, 1, (30, 2)), 300 * random.random((30, 2)))
    )
    scores = random.choice(THRESHOLDS, 60)
    order = np.argsort(-scores)
    one = Coordinates(picks[order], 1.0, "a", scores=scores[order])
    overall = evaluate({"a": one}, {"a": Coordinates(reference, 1.0, "a")}, 20.0).overall
    item = labelled_image(torch.zeros(301, 301), torch.from_numpy(reference).float(), 20.0)
    found = Candidates(torch.from_numpy(picks[order]).float(), torch.from_numpy(scores[order]))
    counts = compare(found, item)
    assert average_precision(counts) == pytest.approx(overall.average_precision, abs=1e-9)
    assert counts.f1()[0] == pytest.approx(overall.f1)
    assert counts.f1().max() == pytest.approx(overall.best_f1)


@pytest.mark.parametrize("name", ["f1", "average-precision"])
def test_each_fold_is_judged_by_the_choice_of_the_others(name: str) -> None:
    random = np.random.default_rng(1)
    trials = [
        Trial(SelectionParams(min_distance=d), [random_counts(random) for _ in range(7)])
        for d in (0.5, 0.6, 0.7, 0.8)
    ]
    tuning = judge(trials, 0.3, name, 3)
    hits = picks = 0
    pooled = []
    for fold in range(3):
        mine = [image for image in range(7) if image % 3 == fold]
        others = [image for image in range(7) if image % 3 != fold]
        choice = choose(trials, others, name)
        for image in mine:
            counts = choice.trial.results[image]
            hits += counts.hits[choice.level]
            picks += counts.picks[choice.level]
            pooled.append(counts)
    assert tuning.held_out.f1 == pytest.approx(2 * hits / (picks + 7 * 40))
    total = Counts(sum(c.hits for c in pooled), sum(c.picks for c in pooled), 7 * 40)
    assert tuning.held_out.average_precision == pytest.approx(average_precision(total))
    assert tuning.before.trial is trials[0]
    assert tuning.before.threshold == pytest.approx(0.3)
    best = choose(trials, range(7), name)
    assert tuning.best == best
    scores = [
        sum(trial.results[1:], start=trial.results[0]).f1().max()
        if name == "f1"
        else average_precision(sum(trial.results[1:], start=trial.results[0]))
        for trial in trials
    ]
    assert best.trial is trials[int(np.argmax(scores))]


def test_what_gains_nothing_elsewhere_is_not_chosen() -> None:
    """Two trials, each the best on one image: a choice on either fails on the other."""

    def counts(hits: int) -> Counts:
        return Counts(np.full(len(THRESHOLDS), hits), np.full(len(THRESHOLDS), 10), 10)

    usual = Trial(SelectionParams(), [counts(7), counts(7)])
    first = Trial(SelectionParams(min_distance=0.8), [counts(10), counts(2)])
    second = Trial(SelectionParams(min_distance=0.9), [counts(3), counts(10)])
    tuned = judge([usual, first, second], 0.5, "f1", 5)
    assert tuned.before.figures().f1 == pytest.approx(0.7)
    assert tuned.held_out.f1 == pytest.approx((2 + 3) / 20)
    assert tuned.choice.trial is usual
    assert "keeps its settings" in summary(tuned, 0.5)
    good = Trial(SelectionParams(min_distance=0.7), [counts(9), counts(9)])
    tuned = judge([usual, good], 0.5, "f1", 5)
    assert tuned.choice.trial is good
    assert "recommends centres by heatmap, distance 0.7 diameters, threshold" in summary(tuned, 0.5)


@pytest.mark.slow
def test_the_figures_are_those_of_picking(draw_truth: Callable, disc_model: Model) -> None:
    """What the search says of a selection is what picking and evaluation find."""
    truths = [draw_truth(f"m{seed}", (220, 160), seed=seed) for seed in range(2)]
    images = [mapped_image(discs(truth, disc_model), disc_model) for truth in truths]
    usual = SelectionParams(min_distance=0.45)
    seen: list[int] = []
    trials = try_selections(
        images,
        usual,
        tuple(CENTER_FINDERS)[:2],
        lambda done, total, text: seen.append(total - done),
    )
    assert seen[-1] == 0
    assert trials[0].settings == usual
    assert len({str(trial.settings) for trial in trials}) == len(trials) == 1 + 4 * 8 * 20
    reference = {truth.micrograph.name: Coordinates(truth.centers_yx, 2.0, "x") for truth in truths}
    random = np.random.default_rng(2)
    for trial in [trials[0], *random.choice(trials, 6)]:
        level = int(random.integers(len(THRESHOLDS)))
        chosen = trial.settings
        use = Use(float(THRESHOLDS[level]), selection=chosen)
        card = replace(disc_model.card, use=use)
        model = Model(disc_model.network, card)
        params = PickParams(diameter=DIAMETER)
        picks = {
            truth.micrograph.name: pick_micrograph(truth.micrograph, model, params).chosen
            for truth in truths
        }
        overall = evaluate(picks, reference, DIAMETER).overall
        total = trial.total(range(2))
        assert total.picks[level] == overall.picks
        assert total.hits[level] == overall.true_positives
        assert total.labelled == overall.reference
    distances, f1 = f1_by_distance(trials, trials[-1].settings)
    np.testing.assert_allclose(distances, np.arange(0.3, 1.05, 0.1))
    np.testing.assert_array_equal(f1[-1], trials[-1].total(range(2)).f1())


@pytest.mark.slow
def test_a_border_is_neither_right_nor_wrong(draw_truth: Callable, disc_model: Model) -> None:
    truth = draw_truth()
    item = discs(truth, disc_model)
    near = torch.tensor([[3.0, 50.0], [100.0, 144.0]])
    more = replace(item, centers_yx=torch.cat((item.centers_yx, near)))
    for each in (item, more):
        image = mapped_image(each, disc_model)
        (trial, *_) = try_selections([image], SelectionParams(), (), no_progress)
        assert trial.results[0].labelled == len(item.centers_yx)
