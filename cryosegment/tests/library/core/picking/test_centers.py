# SPDX-License-Identifier: GPL-3.0-or-later
"""Candidates are found where the maps say, within a fraction of a pixel."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from cryosegment.core.picking.centers import (
    PickingMaps,
    _subpixel_shifts,
    disc_means,
    find_candidates,
    score_places,
    without_contaminated,
)

DIAMETER = 20.0
GRID = [(y, x) for y in (15.3, 40.0, 64.7) for x in (14.8, 39.5, 66.2)]


def ideal_maps(centers_yx, shape=(80, 80), diameter=DIAMETER):
    """Maps of a network that is always right; a pixel belongs to the nearest centre."""
    centers = np.asarray(centers_yx, float).reshape(-1, 2)
    pixels = np.stack(np.indices(shape), -1).astype(float)
    distance, nearest = cKDTree(centers).query(pixels)
    to_center = centers[nearest] - pixels
    particle = (distance <= diameter / 2).astype(np.float32)
    offsets = np.moveaxis(to_center / (diameter / 2), -1, 0) * particle
    heat = np.exp(-(distance**2) / (2 * (0.12 * diameter) ** 2))
    return PickingMaps(
        center=torch.tensor(heat, dtype=torch.float32),
        offsets=torch.tensor(offsets, dtype=torch.float32),
        particle=torch.from_numpy(particle),
        unrefined=torch.from_numpy(particle),
        contamination=torch.zeros(shape),
        valid=torch.ones(shape, dtype=torch.bool),
    )


def changed(maps, **changes):
    """The maps with others in place, the particle map with and without a CRF."""
    if "particle" in changes:
        changes = {"unrefined": changes["particle"], **changes}
    return PickingMaps(**{**vars(maps), **changes})


def test_a_crf_does_not_change_candidates():
    """Whatever it makes of the particle map."""
    maps = ideal_maps([(20.0, 31.0), (55.0, 40.0)])
    erased = PickingMaps(**{**vars(maps), "particle": torch.zeros_like(maps.particle)})
    found, expected = (find_candidates(each, DIAMETER) for each in (erased, maps))
    assert len(found) == 2
    assert torch.equal(found.centers_yx, expected.centers_yx)
    assert torch.equal(found.scores, expected.scores)


def distances_to(candidates, centers_yx):
    """Distance (px) of each true centre to the nearest candidate."""
    return cKDTree(candidates.centers_yx.numpy()).query(np.asarray(centers_yx))[0]


def test_every_particle_is_found_at_its_centre():
    candidates = find_candidates(ideal_maps(GRID), DIAMETER)
    assert len(candidates) == len(GRID)
    assert distances_to(candidates, GRID).max() < 0.1
    assert candidates.scores.min() > 0.85
    assert candidates.scores.max() <= 1.0


def test_touching_particles_are_told_apart():
    pair = [(40.0, 31.0), (40.0, 47.0)]
    candidates = find_candidates(ideal_maps(pair), DIAMETER)
    assert len(candidates) == 2
    assert distances_to(candidates, pair).max() < 0.5


def test_noisy_maps_still_center():
    generator = torch.Generator().manual_seed(0)
    maps = ideal_maps(GRID)
    noisy = changed(
        maps,
        center=(maps.center * 0.7 + 0.05 * torch.rand(80, 80, generator=generator)),
        offsets=maps.offsets + 0.3 * torch.randn(2, 80, 80, generator=generator),
        particle=maps.particle * 0.7 + 0.2 * torch.rand(80, 80, generator=generator),
    )
    candidates = find_candidates(noisy, DIAMETER, floor=0.01)
    assert distances_to(candidates, GRID).max() < 0.7
    assert candidates.scores[: len(GRID)].min() > 0.25
    assert (candidates.scores[len(GRID) :] < 0.1).all()


def test_votes_move_a_misplaced_heat_peak_towards_the_centre():
    maps = ideal_maps([(40.0, 40.0)])
    misplaced = changed(maps, center=torch.roll(maps.center, 2, dims=1))
    candidates = find_candidates(misplaced, DIAMETER)
    assert len(candidates) == 1
    assert 40.1 < candidates.centers_yx[0, 1] < 41.5
    assert candidates.centers_yx[0, 0] == pytest.approx(40.0, abs=0.05)


def test_best_come_first_and_none_is_below_the_floor():
    maps = ideal_maps(GRID)
    strength = torch.linspace(0.1, 1.0, 80).expand(80, 80)
    candidates = find_candidates(changed(maps, center=maps.center * strength), DIAMETER, floor=0.8)
    scores = candidates.scores.tolist()
    assert scores == sorted(scores, reverse=True)
    assert 0 < len(scores) < len(GRID)
    assert min(scores) >= 0.8


def test_minimum_distance_keeps_the_stronger_of_two():
    pair = [(40.0, 33.0), (40.0, 46.0)]
    maps = ideal_maps(pair)
    maps.center[:, :40] *= 0.8
    assert len(find_candidates(maps, DIAMETER, min_distance=0.5)) == 2
    candidates = find_candidates(maps, DIAMETER, min_distance=0.8)
    assert len(candidates) == 1
    assert candidates.centers_yx[0, 1] > 40


def test_candidates_on_contamination_have_their_scores_and_can_be_left_out():
    maps = ideal_maps([(40.0, 20.0), (40.0, 60.0)])
    dirt = torch.full((80, 80), 0.49)
    dirt[:, 57:] = 0.51  # more than half of the disc around the second
    dirty = changed(maps, contamination=dirt)
    found = find_candidates(dirty, DIAMETER)
    assert torch.equal(found.scores, find_candidates(maps, DIAMETER).scores)
    left = without_contaminated(found, dirty, DIAMETER)
    assert left.centers_yx.tolist() == [pytest.approx([40.0, 20.0], abs=0.1)]
    assert left.scores.tolist() == found.scores[found.centers_yx[:, 1] < 40].tolist()


@pytest.mark.parametrize("cut", ["border", "invalid"])
def test_a_particle_that_is_cut_scores_lower(cut):
    centers = [(40.0, 20.0), (0.0, 50.0) if cut == "border" else (40.0, 50.0)]
    maps = ideal_maps(centers)
    valid = torch.ones(80, 80, dtype=torch.bool)
    valid[:40, 50:] = cut == "border"
    candidates = find_candidates(changed(maps, valid=valid), DIAMETER)
    assert len(candidates) == 2
    assert candidates.centers_yx[1, 1] == pytest.approx(50.0, abs=0.5)
    assert 0.4 < candidates.scores[1] / candidates.scores[0] < 0.9


@pytest.mark.parametrize(
    ("center", "particle", "expected"),
    [(0.125, 1.0, 0.5), (1.0, 0.5, 0.25 ** (1 / 3)), (0.5, 0.5, 0.5)],
)
def test_score_is_the_mean_of_heat_votes_and_particle(center, particle, expected):
    maps = ideal_maps([(40.0, 40.0)])
    whole = float(find_candidates(maps, DIAMETER).scores[0])
    faint = changed(maps, center=maps.center * center, particle=maps.particle * particle)
    score = float(find_candidates(faint, DIAMETER).scores[0])
    # The particle probability counts twice: it is the weight of the votes.
    assert score / whole == pytest.approx(expected, rel=0.02)


def test_invalid_pixels_hold_no_centre():
    maps = ideal_maps([(12.0, 40.0), (60.0, 40.0)])
    valid = torch.ones(80, 80, dtype=torch.bool)
    valid[:20] = False
    candidates = find_candidates(changed(maps, valid=valid), DIAMETER)
    assert candidates.centers_yx[:, 0].tolist() == pytest.approx([60.0], abs=0.2)


@pytest.mark.parametrize("edge_px", [5.0, 10.5, 10.6, 30.0])
def test_edge_is_the_distance_to_the_border_and_to_invalid_pixels(edge_px):
    centers = [(10.0, 40.0), (40.0, 20.0), (40.0, 55.0), (66.0, 40.0)]
    maps = ideal_maps(centers)
    valid = torch.ones(80, 80, dtype=torch.bool)
    valid[:, 70:] = False
    candidates = find_candidates(changed(maps, valid=valid), DIAMETER, edge_px=edge_px)
    distance = distance_transform_edt(np.pad(valid.numpy(), 1))[1:-1, 1:-1] - 0.5
    expected = [c for c in centers if distance[int(c[0]), int(c[1])] >= edge_px]
    found = sorted(map(tuple, candidates.centers_yx.round().tolist()))
    assert found == sorted(expected)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_constant_maps_score_low(value):
    maps = changed(
        ideal_maps([(40.0, 40.0)]),
        center=torch.full((80, 80), value),
        particle=torch.full((80, 80), value),
        offsets=torch.zeros(2, 80, 80),
    )
    assert len(find_candidates(maps, DIAMETER, floor=0.4)) == 0


def test_maps_are_not_changed():
    maps = ideal_maps(GRID)
    before = {name: value.clone() for name, value in vars(maps).items()}
    find_candidates(maps, DIAMETER, edge_px=3.0)
    assert all(torch.equal(before[name], value) for name, value in vars(maps).items())


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (5, 3)])
def test_small_images(shape):
    maps = ideal_maps([(0.0, 0.0)], shape)
    assert len(find_candidates(maps, DIAMETER)) <= 1


def test_discs_count_their_pixels_up_to_the_border() -> None:
    """Half of the disc around a pixel of the first row or column is in the image, and more."""
    plane, valid = torch.ones(40, 40), torch.ones(40, 40, dtype=torch.bool)
    middles = torch.tensor([[0, 20], [20, 0], [39, 20], [20, 39]])
    rows, columns = np.mgrid[-10:11, -10:11]
    disc = rows**2 + columns**2 <= 100
    expected = disc[rows >= 0].sum() / disc.sum()
    means = disc_means(plane, valid, middles, DIAMETER)
    np.testing.assert_allclose(means, expected, rtol=1e-6)


def test_shifts_of_peaks_beside_the_border_are_those_of_a_gaussian() -> None:
    """On the border itself there is none: one neighbour is missing."""
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    image = torch.exp(-((y - 1.3) ** 2 + (x - 6.8) ** 2) / 4)
    shifts = _subpixel_shifts(image, torch.tensor([[1, 7], [0, 8]]))
    torch.testing.assert_close(shifts, torch.tensor([[0.3, -0.2], [0.0, 0.0]]), atol=1e-4, rtol=0)


def test_candidates_go_down_to_a_score_of_a_twentieth() -> None:
    maps = ideal_maps([(40.0, 40.0)])
    clean = float(find_candidates(maps, DIAMETER).scores[0])
    counts = []
    for score in (0.049, 0.051):
        faint = changed(maps, center=maps.center * (score / clean) ** 3)
        counts.append(len(find_candidates(faint, DIAMETER)))
    assert counts == [0, 1]


def test_places_have_the_score_of_the_candidate_near_them() -> None:
    maps = ideal_maps(GRID)
    found = find_candidates(maps, DIAMETER)
    near = found.centers_yx.round() + torch.tensor([3.0, 0.0])
    assert torch.allclose(score_places(maps, near, DIAMETER), found.scores, atol=0.1)
    at_centers = score_places(maps, found.centers_yx, DIAMETER)
    assert torch.allclose(at_centers, found.scores, atol=0.02)
    nothing = torch.tensor([[27.0, 27.0], [-5.0, 300.0]])
    assert (score_places(maps, nothing, DIAMETER) < 0.2).all()
    dirty = changed(maps, contamination=torch.full((80, 80), 0.25))
    inner = found.centers_yx.sub(40).abs().amax(1) < 20  # its whole disc is in the image
    clean = score_places(maps, found.centers_yx[inner], DIAMETER)
    assert torch.allclose(score_places(dirty, found.centers_yx[inner], DIAMETER), 0.75 * clean)
