# SPDX-License-Identifier: GPL-3.0-or-later
import math
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.spatial import ConvexHull, cKDTree
from skimage.measure import label, regionprops

from cryosegment.core.picking import (
    ParticleMaps,
    PickingMaps,
    find_candidates,
    find_particles,
)
from cryosegment.core.picking.contours import LONGEST_SIDE, contour_centers
from cryosegment.core.picking.crocker_grier import crocker_grier_centers
from cryosegment.core.picking.finders import Search, score_centers
from cryosegment.core.picking.grid_maxima import _thin_out, _window_scores, grid_centers
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import SelectionParams
from cryosegment.exchange.parts import CENTER_FINDERS, HEAT_MAP, SAM

DIAMETER = 20.0
OF_PARTICLE_MAPS = [name for name in CENTER_FINDERS if name not in (HEAT_MAP, SAM)]
FULL_ABOVE = {"grid-nms": 0.0, "watershed": 0.5, "size-mode": 0.5}
"""Levels above which a plain map is full of particles for some finders."""
SHAPE = (150, 130)
CENTERS_YX = np.array([[30.3, 25.8], [30.0, 70.5], [75.4, 40.2], [95.1, 92.6], [120.7, 25.0]])


def disc_map(centers: np.ndarray, diameter: float = 19.0, softness: float = 1.0) -> np.ndarray:
    """Probability of discs with soft outlines."""
    pixels = np.stack(np.indices(SHAPE), -1)
    away = np.stack([np.linalg.norm(pixels - center, axis=-1) for center in centers]).min(0)
    return (1 / (1 + np.exp((away - diameter / 2) / softness))).astype(np.float32)


def maps_of(particle: np.ndarray, **changes: torch.Tensor) -> ParticleMaps:
    values = torch.from_numpy(particle)
    own = {"contamination": torch.zeros(SHAPE), "valid": torch.ones(SHAPE, dtype=torch.bool)}
    return ParticleMaps(particle=values, **{**own, **changes})


def misses(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest distance from an expected centre to the nearest found."""
    assert len(found) == len(expected)
    return float(cKDTree(found).query(expected)[0].max())


@pytest.mark.parametrize("name", OF_PARTICLE_MAPS)
def test_discs_are_found_where_they_are(name: str) -> None:
    particle = disc_map(CENTERS_YX)
    for scale in CENTER_FINDERS[name].scales:
        found = find_particles(
            maps_of(particle), DIAMETER, SelectionParams(name, scale, min_distance=0.5)
        )
        assert misses(found.centers_yx.numpy(), CENTERS_YX) < 1
        assert found.scores.min() > 0.7
        assert found.scores.max() <= 1


@pytest.mark.parametrize("name", OF_PARTICLE_MAPS)
def test_touching_discs_are_parted(name: str) -> None:
    pair = np.array([[60.0, 50.0], [60.0, 70.0]])
    found = find_particles(maps_of(disc_map(pair)), DIAMETER, SelectionParams(name))
    assert misses(found.centers_yx.numpy(), pair) < 2


@pytest.mark.parametrize("name", [HEAT_MAP, *OF_PARTICLE_MAPS])
def test_none_is_found_twice(name: str) -> None:
    """On a map of blobs of all sizes, crowded and merged, none is within 0.4 diameter."""
    random = np.random.default_rng(11)
    noise = ndimage.gaussian_filter(random.standard_normal((6, 300, 300)), (0, 3, 3))
    planes = torch.from_numpy((1 / (1 + np.exp(-40 * noise))).astype(np.float32))
    valid = torch.ones((300, 300), dtype=torch.bool)
    maps = PickingMaps(planes[0], 0 * planes[1], valid, planes[0], planes[3], 4 * planes[4:6] - 2)
    found = find_particles(maps, DIAMETER, SelectionParams(name), 0.02).centers_yx.numpy()
    assert len(found) > 10
    assert cKDTree(found).query(found, k=2)[0][:, 1].min() >= 0.4 * DIAMETER


@pytest.mark.parametrize("name", OF_PARTICLE_MAPS)
@pytest.mark.parametrize("level", [0.0, 1.0, 0.3])
def test_plain_maps(name: str, level: float) -> None:
    plain = np.full(SHAPE, level, np.float32)
    found = find_particles(maps_of(plain), DIAMETER, SelectionParams(name))
    if level <= FULL_ABOVE.get(name, 1.0):
        assert len(found) == 0
    assert torch.isfinite(found.centers_yx).all()


def smallest_circle(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Of all circles through two or three of the points the smallest that holds all."""
    found = (np.zeros(2), math.inf)
    for chosen in (c for k in (2, 3) for c in combinations(points, k)):
        basis = np.diff(chosen, axis=0)
        if len(chosen) == 3 and abs(np.linalg.det(basis)) < 1e-9:
            continue
        middles = (np.array(chosen[1:]) + np.array(chosen[:-1])) / 2
        center = (
            middles[0] if len(chosen) == 2 else np.linalg.solve(basis, (basis * middles).sum(1))
        )
        radius = float(np.linalg.norm(chosen[0] - center))
        if radius < found[1] and np.linalg.norm(points - center, axis=1).max() < radius + 1e-6:
            found = (center, radius)
    return found


def longer_side(points: np.ndarray) -> float:
    """Of the rectangle of least area around the points."""
    angles = np.deg2rad(np.arange(0, 90, 0.1))
    axes = np.stack([[np.cos(angles), np.sin(angles)], [-np.sin(angles), np.cos(angles)]])
    spans = np.ptp(np.tensordot(points, axes, (1, 1)), axis=0)
    return float(spans[:, spans.prod(0).argmin()].max())


def test_contours_agree_with_regions_of_scikit_image_in_their_smallest_circles() -> None:
    """Regions longer than a particle are left out."""
    random = np.random.default_rng(3)
    noise = ndimage.gaussian_filter(random.standard_normal(SHAPE), 4)
    particle = (noise > 0.03).astype(np.float32)
    regions = [
        region.coords[ConvexHull(region.coords).vertices].astype(float)
        for region in regionprops(label(particle > 0.5, connectivity=2))
        if region.area > 10
    ]
    sides = [longer_side(points) for points in regions]
    short = [side < LONGEST_SIDE * DIAMETER for side in sides]
    assert 5 < sum(short) < len(short) - 2
    expected = [smallest_circle(p)[0] for p, keep in zip(regions, short, strict=True) if keep]
    found = contour_centers(particle, DIAMETER, 0.0)
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(expected, axis=0), atol=1e-2)


def test_contours_are_those_of_the_eroded_map() -> None:
    particle = np.zeros(SHAPE, np.float32)
    particle[40:60, 30:50] = particle[48:52, 50:70] = particle[40:60, 70:90] = 0.6
    found = contour_centers(particle, DIAMETER, 0.35)  # more than the bridge is wide
    np.testing.assert_allclose(sorted(found.tolist()), [[49.5, 39.5], [49.5, 79.5]], atol=0.01)
    particle[47:53, 50:70] = 0.6
    assert len(contour_centers(particle, DIAMETER, 0.25)) == 0  # one region, longer than a particle


def test_crocker_grier_finds_the_centroids_of_blobs() -> None:
    """Of isolated Gaussians the centroid in a window is the centre, to a twentieth of a pixel."""
    pixels = np.stack(np.indices(SHAPE), -1)
    blobs = sum(np.exp(-((pixels - center) ** 2).sum(-1) / (2 * 3.0**2)) for center in CENTERS_YX)
    found = crocker_grier_centers(blobs.astype(np.float32), DIAMETER, 1.0, 1.0)
    assert misses(found, CENTERS_YX) < 0.05


def test_crocker_grier_agrees_with_scipy_in_its_windows() -> None:
    particle = disc_map(CENTERS_YX)
    particle[40:44, 35:39] = 1  # in the square around the first centre, not in the disc
    found = crocker_grier_centers(particle, DIAMETER, 1.0, 1.2)
    smooth = ndimage.gaussian_filter(particle.astype(float), 1.0, mode="nearest")
    band = smooth - ndimage.uniform_filter(particle.astype(float), 25, mode="nearest")
    band = np.where(band >= 1 / 255, band, 0)
    pixels = np.stack(np.indices(SHAPE), -1)
    for center in found:
        window = np.linalg.norm(pixels - np.rint(center), axis=-1) <= 12
        expected = ndimage.center_of_mass(band * window)
        np.testing.assert_allclose(center, expected, atol=1e-6)


def test_every_climb_ends_on_a_maximum() -> None:
    random = np.random.default_rng(5)
    noise = ndimage.gaussian_filter(random.standard_normal(SHAPE), 6)
    particle = np.clip(0.5 + 8 * noise, 0, 1).astype(np.float32)
    scores = _window_scores(particle, DIAMETER)
    kernel = np.exp(-0.5 * (np.arange(-10, 11) / 5.0) ** 2)
    kernel = np.outer(kernel, kernel) / kernel.sum() ** 2
    eroded = ndimage.minimum_filter(particle, 5, mode="nearest")
    expected = ndimage.convolve(eroded.astype(float), kernel, mode="constant")
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    found = grid_centers(particle, DIAMETER, 0.0, 0.2)  # no two boxes overlap too much
    highest = ndimage.maximum_filter(scores, 5, mode="constant")
    maxima = np.argwhere((scores == highest) & (scores > 0.02))
    assert len(maxima) >= 8
    assert set(map(tuple, maxima.tolist())) <= set(map(tuple, found.astype(int).tolist()))
    assert (scores[tuple(found.astype(int).T)] == highest[tuple(found.astype(int).T)]).all()


def test_overlapping_boxes_give_way_and_pull() -> None:
    random = np.random.default_rng(7)
    centers, side = random.uniform(0, 100, (60, 2)), 20.0
    kept, moved = np.ones(60, bool), centers.copy()
    for i, j in combinations(range(60), 2):
        sides = np.maximum(0, side - np.abs(centers[i] - centers[j]))
        if kept[i] and kept[j] and sides.prod() > 0.3 * side**2:
            kept[j] = False
            moved[i] = 0.8 * moved[i] + 0.2 * centers[j]
    assert 10 < kept.sum() < 50
    np.testing.assert_allclose(_thin_out(centers, side, 0.3), moved[kept])
    pair = np.array([[0.0, 0.0], [0.0, 14.0]])
    assert len(_thin_out(pair, side, 0.3)) == 2  # not more than that part


@pytest.mark.parametrize("name", OF_PARTICLE_MAPS)
def test_the_score_is_the_mean_over_the_disc(name: str) -> None:
    particle = disc_map(CENTERS_YX)
    contamination = torch.full(SHAPE, 0.4)
    valid = torch.ones(SHAPE, dtype=torch.bool)
    valid[110:] = False
    maps = maps_of(particle, contamination=contamination, valid=valid)
    found = find_particles(maps, DIAMETER, SelectionParams(name, min_distance=1.0))
    assert 4 <= len(found) <= 5
    assert (found.scores.diff() <= 0).all()
    for center, score in zip(found.centers_yx.tolist(), found.scores.tolist(), strict=True):
        row, column = map(round, center)
        disc = [
            (y, x)
            for y in range(row - 10, row + 11)
            for x in range(column - 10, column + 11)
            if math.hypot(y - row, x - column) <= 10
        ]
        inside = sum(float(particle[y, x]) for y, x in disc if valid[y, x]) / len(disc)
        assert score == pytest.approx(inside, rel=1e-4)
        assert row < 110


@pytest.mark.parametrize("name", OF_PARTICLE_MAPS)
def test_floor_edge_and_distance(name: str) -> None:
    def count(floor: float = 0.05, edge: float = 0.0, **selection: float) -> int:
        usual = {"scale": max(CENTER_FINDERS[name].scales), "min_distance": 0.5}
        chosen = SelectionParams(name, **{**usual, **selection})
        return len(find_particles(maps, DIAMETER, chosen, floor, edge))

    maps = maps_of(disc_map(CENTERS_YX) * np.linspace(0.6, 1, 150, dtype=np.float32)[:, None])
    assert count() == 5
    assert count(floor=0.99) == 0
    assert count(edge=28.0) == 3
    assert count(min_distance=2.5) < 5
    if name == "contour":
        assert count(scale=1.2) == 0


def test_the_heat_map_needs_a_network() -> None:
    maps = maps_of(disc_map(CENTERS_YX))
    with pytest.raises(InputError, match="the particle map alone: choose contour"):
        find_particles(maps, DIAMETER, SelectionParams())
    heat = torch.zeros(SHAPE)
    heat[50, 60] = 1
    every = PickingMaps(
        **vars(maps), unrefined=maps.particle, center=heat, offsets=torch.zeros(2, *SHAPE)
    )
    found = find_particles(every, DIAMETER, SelectionParams(min_distance=0.7), 0.01, 3.0)
    expected = find_candidates(every, DIAMETER, 0.7, 0.01, 3.0)
    assert torch.equal(found.centers_yx, expected.centers_yx)


def test_a_search_alone_leaves_nothing_out_at_the_border() -> None:
    corner = np.zeros((1, 2), np.float32)
    search = Search(DIAMETER, min_distance=0.5, scale=0.0, floor=0.0)
    assert len(score_centers(maps_of(disc_map(CENTERS_YX)), corner, search)) == 1
