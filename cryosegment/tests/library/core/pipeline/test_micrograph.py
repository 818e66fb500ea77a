# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.models.model import Model
from cryosegment.core.picking import ParticleMaps
from cryosegment.core.pipeline.micrograph import (
    pick,
    pick_micrograph,
    prepare,
    read_working_image,
    segment,
)
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.params import CRF_PRESETS, CrfParams, PickParams, SelectionParams
from cryosegment.exchange.parts import CENTER_FINDERS, SAM
from cryosegment.exchange.settings import pick_settings

pytestmark = pytest.mark.slow

PARAMS = PickParams(diameter=60.0, crf="none")


def distances(picks_yx: np.ndarray, truth_yx: np.ndarray) -> np.ndarray:
    """Distance (px) of each true centre to the nearest pick."""
    return cKDTree(picks_yx).query(truth_yx)[0]


@pytest.mark.parametrize(
    ("shape", "diameter", "pixel_size"),
    [((300, 220), 60.0, 2.0), ((211, 347), 61.3, 1.77), ((700, 450), 160.0, 1.9)],
)
def test_discs_are_found_within_a_pixel(
    draw_truth: Callable,
    disc_model: Model,
    shape: tuple[int, int],
    diameter: float,
    pixel_size: float,
) -> None:
    truth = draw_truth("discs", shape, diameter, pixel_size)
    picks = pick_micrograph(truth.micrograph, disc_model, replace(PARAMS, diameter=diameter))
    assert len(picks.chosen) == len(truth.centers_yx)
    away, rows = cKDTree(picks.chosen.centers_yx).query(truth.centers_yx)
    assert away.max() < 1
    bias = (picks.chosen.centers_yx[rows] - truth.centers_yx).mean(0)
    assert np.abs(bias).max() < 0.25  # no half pixel is lost between the scales
    assert picks.chosen.name == "discs"
    assert picks.chosen.pixel_size == pytest.approx(pixel_size)
    np.testing.assert_allclose(picks.chosen.diameters, diameter, rtol=0.1)
    assert picks.chosen.scores.min() > 0.5


def test_bright_particles(draw_truth: Callable, disc_model: Model) -> None:
    truth = draw_truth()
    bright = replace(truth.micrograph, image=-truth.micrograph.image)
    for contrast in ("bright", "auto"):
        picks = pick_micrograph(bright, disc_model, replace(PARAMS, contrast=contrast))
        assert distances(picks.chosen.centers_yx, truth.centers_yx).max() < 1


@pytest.mark.parametrize("crf", ["auto", "gaussian", "logits", "intensity"])
def test_a_crf_keeps_clear_particles(draw_truth: Callable, disc_model: Model, crf: str) -> None:
    truth = draw_truth()
    picks = pick_micrograph(truth.micrograph, disc_model, replace(PARAMS, crf=crf))
    assert len(picks.chosen) == len(truth.centers_yx)
    assert distances(picks.chosen.centers_yx, truth.centers_yx).max() < 1


def test_a_crf_changes_the_particle_map_alone(draw_truth: Callable, disc_model: Model) -> None:
    working = prepare(draw_truth().micrograph, pick_settings(PARAMS, disc_model.card))
    plain = segment(working, disc_model, None)
    smooth = segment(working, disc_model, CRF_PRESETS["gaussian"])
    assert not torch.equal(smooth.particle, plain.particle)
    for name in ("unrefined", "center", "offsets", "contamination", "valid"):
        assert torch.equal(getattr(smooth, name), getattr(plain, name))


def test_candidates_are_those_of_the_network(draw_truth: Callable, disc_model: Model) -> None:
    """A CRF that erases every mask erases no candidate."""
    truth = draw_truth()
    plain = pick_micrograph(truth.micrograph, disc_model, PARAMS)
    facts = CrfParams(gaussian_weight=200.0, gaussian_sigma=40.0)
    model = Model(
        disc_model.network, replace(disc_model.card, use=replace(disc_model.card.use, crf=facts))
    )
    picks = pick_micrograph(truth.micrograph, model, replace(PARAMS, crf="auto"))
    assert not picks.labels.any()
    np.testing.assert_array_equal(picks.candidates.centers_yx, plain.candidates.centers_yx)
    np.testing.assert_array_equal(picks.candidates.scores, plain.candidates.scores)


def test_candidates_and_the_chosen(draw_truth: Callable, disc_model: Model) -> None:
    """A threshold cuts the list of candidates and leaves out their instances; no more."""
    truth = draw_truth()
    everything = pick_micrograph(truth.micrograph, disc_model, replace(PARAMS, threshold="0"))
    scores = everything.candidates.scores
    assert (np.diff(scores) <= 0).all()
    assert len(everything.chosen) == len(scores) == 12
    cut = float(scores[4] + scores[5]) / 2
    picks = pick_micrograph(truth.micrograph, disc_model, replace(PARAMS, threshold=str(cut)))
    np.testing.assert_array_equal(picks.candidates.centers_yx, everything.candidates.centers_yx)
    np.testing.assert_array_equal(picks.chosen.centers_yx, everything.chosen.centers_yx[:5])
    np.testing.assert_array_equal(picks.chosen.scores, scores[:5])
    expected = torch.where(everything.instances <= 5, everything.instances, 0)
    assert torch.equal(picks.instances, expected)
    nothing = pick_micrograph(truth.micrograph, disc_model, replace(PARAMS, threshold="1"))
    assert len(nothing.chosen) == 0
    assert not nothing.instances.any()
    assert len(nothing.candidates) == 12


def test_every_instance_is_the_disc_of_its_row(draw_truth: Callable, disc_model: Model) -> None:
    picks = pick_micrograph(draw_truth().micrograph, disc_model, PARAMS)
    scale = np.array(picks.working.scale_yx)
    for row, center in enumerate(picks.chosen.centers_yx / scale, start=1):
        pixels = np.argwhere(picks.instances.numpy() == row)
        assert np.abs(pixels.mean(0) - center).max() < 0.5
        diameter_px = 2 * np.sqrt(len(pixels) / np.pi)
        size = diameter_px * picks.working.pixel_size
        assert picks.chosen.diameters[row - 1] == pytest.approx(size, rel=1e-5)


def test_edge_and_distance_are_fractions_of_the_diameter(
    draw_truth: Callable, disc_model: Model
) -> None:
    truth = draw_truth()
    border = np.minimum(truth.centers_yx, np.array((300, 220)) - 1 - truth.centers_yx).min(1)
    away = pick_micrograph(truth.micrograph, disc_model, replace(PARAMS, edge=2.0))
    assert 0 < len(away.chosen) == (border > 60).sum() < 12
    apart = pick_micrograph(truth.micrograph, disc_model, replace(PARAMS, min_distance="3.5"))
    gaps = cKDTree(apart.chosen.centers_yx).query(apart.chosen.centers_yx, 2)[0][:, 1]
    assert gaps.min() >= 3.4 * 30


@pytest.mark.parametrize("centers", [name for name in CENTER_FINDERS if name != SAM])
def test_every_centre_finder_finds_discs(
    draw_truth: Callable, disc_model: Model, centers: str
) -> None:
    truth = draw_truth()
    by_name = pick_micrograph(truth.micrograph, disc_model, replace(PARAMS, centers=centers))
    assert len(by_name.chosen) == len(truth.centers_yx)
    assert distances(by_name.chosen.centers_yx, truth.centers_yx).max() < 1.5
    facts = SelectionParams(centers)
    model = Model(
        disc_model.network,
        replace(disc_model.card, use=replace(disc_model.card.use, selection=facts)),
    )
    by_card = pick_micrograph(truth.micrograph, model, PARAMS)
    np.testing.assert_array_equal(by_card.chosen.centers_yx, by_name.chosen.centers_yx)


def test_masks_of_other_sizes_are_no_picks(draw_truth: Callable, disc_model: Model) -> None:
    """A bound between the sizes of the candidates parts them; what is left is numbered anew."""
    truth = draw_truth()
    every = pick_micrograph(truth.micrograph, disc_model, PARAMS)
    sizes = every.chosen.diameters
    low, high = np.sort(sizes)[[3, 8]] + 1e-3
    for changes, expected in (
        ({"min_diameter": str(low)}, sizes > low),
        ({"max_diameter": str(high)}, sizes < high),
        ({"min_diameter": str(low), "max_diameter": str(high)}, (sizes > low) & (sizes < high)),
    ):
        picks = pick_micrograph(truth.micrograph, disc_model, replace(PARAMS, **changes))
        assert 0 < expected.sum() < len(sizes)
        np.testing.assert_array_equal(picks.chosen.centers_yx, every.chosen.centers_yx[expected])
        assert len(picks.candidates) == len(every.candidates)
        for row, old in enumerate(np.flatnonzero(expected), start=1):
            assert torch.equal(picks.instances == row, every.instances == old + 1)
        assert int(picks.instances.max()) == expected.sum()
    facts = SelectionParams(smallest=low / 60.0)
    model = Model(
        disc_model.network,
        replace(disc_model.card, use=replace(disc_model.card.use, selection=facts)),
    )
    found = pick_micrograph(truth.micrograph, model, PARAMS)
    np.testing.assert_array_equal(found.chosen.diameters, sizes[sizes > low])
    anything = pick_micrograph(truth.micrograph, model, replace(PARAMS, min_diameter="0"))
    assert len(anything.chosen) == len(sizes)


def test_nothing_to_find(disc_model: Model) -> None:
    noise = torch.randn(200, 160, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    picks = pick_micrograph(Micrograph(noise, 2.0, "ice"), disc_model, PARAMS)
    assert len(picks.chosen) == 0
    assert not picks.instances.any()


def test_an_image_in_tiles_gives_the_same_picks(draw_truth: Callable, disc_model: Model) -> None:
    truth = draw_truth()
    tiled = Model(
        disc_model.network,
        replace(disc_model.card, network=replace(disc_model.card.network, tile_size=128, halo=32)),
    )
    once, twice = (pick_micrograph(truth.micrograph, m, PARAMS) for m in (disc_model, tiled))
    np.testing.assert_allclose(twice.chosen.centers_yx, once.chosen.centers_yx, atol=1e-3)


def test_picking_changes_nothing(draw_truth: Callable, disc_model: Model) -> None:
    truth = draw_truth()
    before = truth.micrograph.image.clone()
    pick_micrograph(truth.micrograph, disc_model, PARAMS)
    assert torch.equal(truth.micrograph.image, before)


def test_a_working_image_is_read(tmp_path: Path, draw_truth: Callable, disc_model: Model) -> None:
    path = draw_truth().write(tmp_path)
    working = read_working_image(path, "a name", pick_settings(PARAMS, disc_model.card))
    assert working.image.shape == (200, 147)
    with pytest.raises(ParameterError, match="more than its"):
        read_working_image(
            path, "a", pick_settings(replace(PARAMS, diameter=900.0), disc_model.card)
        )
    with pytest.raises(InputError, match="does not exist"):
        read_working_image(tmp_path / "none.mrc", "none", pick_settings(PARAMS, disc_model.card))


def test_candidates_below_the_floor_are_left_out(draw_truth: Callable, disc_model: Model) -> None:
    """By the particle map alone, a disc of 5 % is a candidate, and one of 1.5 % is none."""
    settings = pick_settings(replace(PARAMS, centers="grid-nms"), disc_model.card)
    working = prepare(draw_truth().micrograph, settings)
    shape = working.image.shape
    y, x = torch.meshgrid(*map(torch.arange, shape), indexing="ij")
    particle = torch.zeros(shape)
    for (row, column), probability in (((60, 40), 0.05), ((120, 100), 0.015)):
        particle[(y - row) ** 2 + (x - column) ** 2 <= 10**2] = probability
    maps = ParticleMaps(particle, torch.zeros(shape), working.valid)
    found = pick("discs", working, maps, settings).candidates
    assert len(found) == 1
    assert found.scores[0] == pytest.approx(0.05, abs=0.005)
    np.testing.assert_allclose(found.centers_yx[0] / working.scale_yx, (60, 40), atol=1)


def test_what_counts_as_contaminated(draw_truth: Callable, disc_model: Model) -> None:
    """What is more likely contaminated than not."""
    picks = pick_micrograph(draw_truth().micrograph, disc_model, PARAMS)
    dirt = torch.full_like(picks.maps.contamination, 0.45)
    dirt[:5] = 0.55
    contaminated = replace(picks, maps=replace(picks.maps, contamination=dirt)).contaminated
    assert contaminated[:5].all()
    assert not contaminated[5:].any()
