# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from torch import nn

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.models.inference import predict_maps
from cryosegment.core.picking.centers import find_candidates
from cryosegment.core.training.data.targets import make_targets
from cryosegment.core.tuning.thresholds import (
    THRESHOLDS,
    Counts,
    best_threshold,
    count_hits,
    middle_of_plateau,
)
from cryosegment.tests.labelled import labelled_image

SIDE, DIAMETER = 80, 16.0
CENTERS = torch.tensor([[15.0, 15.0], [15.0, 60.0], [60.0, 15.0], [60.0, 60.0]])
EVERYWHERE = torch.ones(SIDE, SIDE, dtype=torch.bool)


class Maps(nn.Module):
    """A network that says the same of every image: four discs, of which some are faint."""

    def __init__(self, strengths: tuple[float, ...]) -> None:
        super().__init__()
        plane = torch.arange(SIDE)
        pixels = torch.stack(torch.meshgrid(plane, plane, indexing="ij"), -1)
        distance, nearest = ((pixels[:, :, None] - CENTERS) ** 2).sum(-1).min(-1)
        instances = torch.where(distance <= (DIAMETER / 2) ** 2, nearest + 1, 0).int()
        empty = torch.zeros(SIDE, SIDE)
        plane = empty[None]
        targets = make_targets(
            instances[None], plane, plane + 1, CENTERS[None], torch.tensor([DIAMETER])
        )
        strength = torch.tensor((0.0, *strengths))[instances.long()]
        heat = (targets.center[0] * strength).clamp(1e-4, 0.999).logit()
        particle = (targets.particle[0] * strength).clamp(1e-4, 0.999).logit()
        empty = empty - 9
        self.logits = nn.Parameter(torch.stack((particle, heat, *targets.offset[0], empty, empty)))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.logits[None] + 0


def labelled(rows: list[int], known: torch.Tensor = EVERYWHERE) -> LabelledImage:
    return labelled_image(torch.zeros(SIDE, SIDE), CENTERS[rows], DIAMETER, known)


def best(
    network: nn.Module, images: list[LabelledImage], labelled_share: float = 1.0
) -> tuple[float, float]:
    return best_threshold(count_hits(network, images), labelled_share)


def scores(network: nn.Module) -> list[float]:
    maps = predict_maps(network, torch.zeros(SIDE, SIDE), EVERYWHERE)
    return find_candidates(maps, DIAMETER).scores.tolist()


def test_all_found_and_nothing_else() -> None:
    assert best(Maps((1, 1, 1, 1)), [labelled([0, 1, 2, 3])])[0] == 1


def test_a_particle_that_is_missed() -> None:
    found = best(Maps((1, 1, 1, 0)), [labelled([0, 1, 2, 3])])
    assert found[0] == 2 * 3 / (3 + 4)


def test_the_threshold_leaves_out_what_is_wrong() -> None:
    network = Maps((1, 1, 0.5, 0.5))
    high, *_, low = scores(network)
    found = best(network, [labelled([0, 1])])
    assert found[0] == 1
    assert low < found[1] <= high


def test_counts_add_up_over_images() -> None:
    """Two images: 4 of 4 and 1 right of 4 picks; 5 particles in all."""
    found = best(Maps((1, 1, 1, 1)), [labelled([0, 1, 2, 3]), labelled([2])])
    assert found[0] == 2 * 5 / (8 + 5)


def test_f1_where_half_of_the_particles_is_labelled() -> None:
    """Four particles and a wrong pick beside them; which two are labelled makes no difference."""
    found = Maps((1, 1, 1, 1))
    assert best(found, [labelled([0, 3])])[0] == 2 * 2 / (4 + 2)
    assert best(found, [labelled([0, 3])], labelled_share=0.5)[0] == 1
    assert best(found, [labelled([0])], labelled_share=1 / 3)[0] == 2 * 3 / (4 + 3)


def test_precision_is_at_most_one() -> None:
    """Both labelled particles are found, two of them missed: no more is right than is picked."""
    network = Maps((1, 1, 1, 0))
    assert best(network, [labelled([0, 1])], labelled_share=0.5)[0] == 2 * 3 / (3 + 4)


def test_f1_of_some_labels_is_that_of_all() -> None:
    """Counts of a picker with 900 of 1,000 particles and 100 wrong picks, a quarter labelled."""
    shape = THRESHOLDS.shape
    every = Counts(np.full(shape, 900), np.full(shape, 1000), 1000)
    some = Counts(np.full(shape, 225), np.full(shape, 1000), 250)
    np.testing.assert_allclose(some.f1(0.25), every.f1())
    np.testing.assert_allclose(every.f1(), 0.9)


def test_missing_labels_move_no_threshold() -> None:
    """Scores of particles and of dirt, drawn: the best threshold of a third of the labels."""
    random = np.random.default_rng(0)
    particles, dirt = random.normal(0.6, 0.15, 4000), random.normal(0.4, 0.15, 4000)
    is_labelled = random.random(4000) < 1 / 3

    def counts(known: np.ndarray) -> Counts:
        hits = (particles[known] >= THRESHOLDS[:, None]).sum(1)
        picks = (np.concatenate((particles, dirt)) >= THRESHOLDS[:, None]).sum(1)
        return Counts(hits, picks, int(known.sum()))

    every, some = counts(np.ones(4000, bool)).f1(), counts(is_labelled)
    best = int(every.argmax())
    assert abs(int(some.f1(1 / 3).argmax()) - best) <= 2
    assert int(some.f1().argmax()) > best + 2
    np.testing.assert_allclose(some.f1(1 / 3), every, atol=0.03)


def test_picks_and_particles_where_nothing_is_known_do_not_count() -> None:
    known = EVERYWHERE.clone()
    known[:40, 40:] = False  # holds the second disc
    network = Maps((1, 1, 1, 1))
    assert best(network, [labelled([0, 2, 3], known)])[0] == 1
    assert best(network, [labelled([0, 1, 2, 3], known)])[0] == 1
    assert best(network, [labelled([0, 2, 3])])[0] == 2 * 3 / (4 + 3)


def test_scores_are_those_of_picking_even_beside_unknown_pixels() -> None:
    """A ring of unknown pixels, as labels of discs have it, changes no score and no threshold."""
    plane = torch.arange(SIDE)
    pixels = torch.stack(torch.meshgrid(plane, plane, indexing="ij"), -1)
    distance = (pixels[:, :, None] - CENTERS).norm(dim=-1).amin(-1)
    network, ring = Maps((1, 1, 0.5, 0.5)), (distance > 5) & (distance < 9)
    with_ring = best(network, [labelled([0, 1], ~ring)])
    assert with_ring == best(network, [labelled([0, 1])])


def test_the_threshold_is_the_middle_of_its_plateau() -> None:
    """Thresholds far from the best that happen to be as good do not count."""
    f1 = np.full(len(THRESHOLDS), 0.5)
    f1[10:15] = (0.895, 0.9, 0.9, 0.893, 0.892)
    assert middle_of_plateau(f1) == pytest.approx(THRESHOLDS[12])
    f1[20:] = 0.9
    assert middle_of_plateau(f1) == pytest.approx(THRESHOLDS[12])
    assert middle_of_plateau(np.zeros_like(f1)) == pytest.approx(THRESHOLDS.mean())


def test_a_network_that_finds_nothing() -> None:
    assert best(Maps((0, 0, 0, 0)), [labelled([0])])[0] == 0
    assert best(Maps((0, 0, 0, 0)), [labelled([])])[0] == 0
