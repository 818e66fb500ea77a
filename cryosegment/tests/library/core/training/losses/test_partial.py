# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses of partial labels against those of all labels, SciPy, and all possible outcomes."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.ndimage import maximum_filter
from torch import Tensor

from cryosegment.core.training.data.targets import PickingTargets, make_targets
from cryosegment.core.training.losses.partial import (
    binomial_penalty,
    binomial_terms,
    find_sites,
    nonnegative_dice,
    nonnegative_risk,
    nonnegative_terms,
)
from cryosegment.core.training.losses.picking import PickingLoss, complete_terms

SIDE, DIAMETER = 120, 12.0
LATTICE = torch.cartesian_prod(torch.arange(8.0, SIDE, 15), torch.arange(8.0, SIDE, 15))


def draw(centers_yx: Tensor) -> PickingTargets:
    """Discs at some centres; the last rows are unknown."""
    plane = torch.arange(SIDE)
    pixels = torch.stack(torch.meshgrid(plane, plane, indexing="ij"), -1)
    distance, nearest = ((pixels[:, :, None] - centers_yx) ** 2).sum(-1).min(-1)
    instances = torch.where(distance <= (DIAMETER / 2) ** 2, nearest + 1, 0).int()
    known = torch.ones(1, SIDE, SIDE)
    known[:, -7:] = 0
    return make_targets(
        instances[None], 0 * known, known, centers_yx[None], torch.tensor([DIAMETER])
    )


@pytest.fixture
def every() -> PickingTargets:
    return draw(LATTICE)


@pytest.fixture
def logits(every: PickingTargets) -> Tensor:
    """Of a network that is mostly right about all particles, `(1, 6, h, w)`."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 6, SIDE, SIDE, generator=generator)
    signs = [2 * target - 1 for target in (every.particle, every.center, every.edge)]
    noise[:, [0, 1, 4]] += 2 * torch.stack(signs, 1)
    return noise


def some(share: float, seed: int) -> PickingTargets:
    """The targets where a share of the particles, drawn at random, is labelled."""
    order = np.random.default_rng(seed).permutation(len(LATTICE))
    return draw(LATTICE[order[: round(share * len(LATTICE))]])


def test_all_labels_make_the_losses_of_all_labels(logits: Tensor, every: PickingTargets) -> None:
    expected = complete_terms(logits, every, "bce+dice")
    found = nonnegative_terms(logits, every, 1.0)
    assert set(found) == set(expected)
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name])


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_some_labels_estimate_the_losses_of_all(
    logits: Tensor, every: PickingTargets, share: float
) -> None:
    """On average over which are labelled; those of all labels are far off."""
    expected = complete_terms(logits, every, "bce+dice")
    draws = [some(share, seed) for seed in range(25)]
    found = [nonnegative_terms(logits, targets, share) for targets in draws]
    naive = [complete_terms(logits, targets, "bce+dice") for targets in draws]
    for name, value in expected.items():
        mean = np.mean([float(terms[name]) for terms in found])
        assert mean == pytest.approx(float(value), rel=0.06)
        if name != "edge":
            assert np.mean([float(terms[name]) for terms in naive]) > 1.2 * float(value)


def test_a_risk_of_background_is_not_negative() -> None:
    """Three labelled of six: losses as particle, as background, and of the rest as background."""
    positive, negative = torch.full((1, 1, 3), 0.1), torch.full((1, 1, 3), 2.0)
    for rest, background in ((7.0, 1.0), (5.0, 0.0)):
        found = nonnegative_risk(positive, negative, torch.tensor([[[rest, 0, 0]]]), 0.5)
        assert float(found) == pytest.approx(0.6 + background)


def test_dice_of_a_sure_map_by_counting() -> None:
    """Ten pixels: two labelled of four, all four and another picked."""
    picked = torch.tensor([[[1.0, 1, 1, 1, 1, 0, 0, 0, 0, 0]]])
    labelled = torch.tensor([[[1.0, 1, 0, 0, 0, 0, 0, 0, 0, 0]]])
    found = nonnegative_dice(200 * picked - 100, labelled, 1 - labelled, 0.5)
    assert float(found) == pytest.approx(1 - (2 * 4 + 1) / (5 + 4 + 1))


@pytest.mark.parametrize("partial", ["nnpu", "ge-binomial"])
def test_unknown_pixels_do_not_count(partial: str, logits: Tensor) -> None:
    targets = some(0.5, 0)
    loss = PickingLoss(labelled_share=0.5, partial=partial, diameter=DIAMETER)
    unknown = (targets.known == 0)[:, None].expand_as(logits)
    first = logits.clone().requires_grad_()
    terms = loss(first, targets)
    sum(terms.values()).backward()
    if partial == "nnpu":
        assert not first.grad[unknown].any()
        other = loss(torch.where(unknown, 9.0, logits), targets)
        assert {name: float(value) for name, value in other.items()} == pytest.approx(
            {name: float(value.detach()) for name, value in terms.items()}
        )
    else:
        assert not first.grad[:, 1][unknown[:, 1]].any()
    assert first.grad.isfinite().all()


@pytest.mark.parametrize("partial", ["nnpu", "ge-binomial"])
def test_nothing_known_or_labelled_gives_a_finite_loss(partial: str, logits: Tensor) -> None:
    targets = some(0.5, 0)
    loss = PickingLoss(labelled_share=0.5, partial=partial, diameter=DIAMETER)
    empty = draw(torch.tensor([[500.0, 500.0]]))
    for case in (replace(targets, known=torch.zeros_like(targets.known)), empty):
        start = logits.clone().requires_grad_()
        value = sum(loss(start, case).values())
        value.backward()
        assert value.isfinite()
        assert start.grad.isfinite().all()


@pytest.mark.parametrize("partial", ["nnpu", "ge-binomial"])
def test_missing_labels_are_learned_from_the_others(partial: str) -> None:
    """A network of one weight and bias per head, trained on half of the labels.

    It sees the true maps in noise, and has but to find where to put the thresholds.
    """
    every, targets = draw(LATTICE), some(0.5, 3)
    image = torch.randn(1, 6, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    image *= torch.tensor([0.25, 0.02, 0, 0, 0, 0])[:, None, None]
    image[:, :2] += torch.stack((every.particle, every.center), 1)
    found = {}
    for share in (0.5, 1.0):
        weight, bias = (torch.full((6, 1, 1), value).requires_grad_() for value in (1.0, 0.0))
        optimizer = torch.optim.Adam([weight, bias], lr=0.2)
        loss = PickingLoss("bce", labelled_share=share, partial=partial, diameter=DIAMETER)
        for _ in range(35):
            optimizer.zero_grad()
            sum(loss(weight * image + bias, targets).values()).backward()
            optimizer.step()
        said = (weight[0] * image[:, 0] + bias[0]).detach() > 0
        found[share] = float(said[every.particle == 1].float().mean())
    assert found[0.5] > 0.9
    assert found[1.0] < 0.8


def test_penalty_by_its_formula() -> None:
    """Topaz's: a normal distribution over all counts, against SciPy's binomial."""
    p = np.array([0.9, 0.8, 0.3, 0.1, 0.05])
    counts = np.arange(6)
    normal = np.exp(-((counts - p.sum()) ** 2) / (2 * (p * (1 - p)).sum()))
    expected = -(normal / normal.sum() * stats.binom.logpmf(counts, 5, 2 / 5)).sum()
    found = binomial_penalty(torch.from_numpy(p).float(), 2.0)
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_penalty_is_close_to_that_of_all_outcomes() -> None:
    """The exact number of particles among 12 independent sites, by summing 4,096 outcomes."""
    p = np.random.default_rng(0).uniform(0.2, 0.8, 12)
    exact = np.zeros(13)
    for outcome in product((0, 1), repeat=12):
        exact[sum(outcome)] += np.prod(np.where(outcome, p, 1 - p))
    expected = -(exact * stats.binom.logpmf(np.arange(13), 12, 0.5)).sum()
    assert float(binomial_penalty(torch.from_numpy(p).float(), 6.0)) == pytest.approx(
        expected, rel=0.02
    )


def test_penalty_leads_to_the_expected_number() -> None:
    start = torch.full((400,), -2.0).requires_grad_()
    optimizer = torch.optim.Adam([start], lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        binomial_penalty(start.sigmoid(), 150.0).backward()
        optimizer.step()
    assert float(start.detach().sigmoid().sum()) == pytest.approx(150, rel=0.05)


def test_sites_are_peaks_without_label(logits: Tensor) -> None:
    """Against SciPy's maximum filter."""
    targets = some(0.5, 0)
    unlabelled = targets.known - targets.particle * targets.known
    center = logits[:, 1]
    peaks = center[0].numpy() == maximum_filter(center[0].numpy(), 7)
    expected = peaks & (unlabelled[0].numpy() == 1)
    assert np.array_equal(find_sites(center, unlabelled, DIAMETER)[0].numpy(), expected)


def test_labelled_particles_are_learned_as_they_are(logits: Tensor) -> None:
    """Where the count is right, the terms are those of the labelled pixels."""
    targets = some(0.5, 0)
    better = logits.clone()
    better[:, 0] += 3 * targets.particle
    before, after = (binomial_terms(z, targets, 0.5, DIAMETER) for z in (logits, better))
    assert after["particle"] < before["particle"]
    assert after["edge"] == before["edge"]
