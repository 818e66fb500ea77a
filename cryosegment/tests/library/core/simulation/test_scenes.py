# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
import torch

from cryosegment.core.simulation.bank import PIXELS_PER_DIAMETER, SIDE, ProjectionBank
from cryosegment.core.simulation.scenes import FEW, Scene, SceneSettings, draw_scene, draw_snr
from cryosegment.core.simulation.textures import Texture

PLAIN = SceneSettings(
    size=128,
    diameter=20.0,
    scale=(1.0, 1.0),
    snr=(50.0, 70.0, 100.0),
    sparse=0.0,
    others=0.0,
    clean=1.0,
)


@pytest.fixture(scope="module")
def bank() -> ProjectionBank:
    """One molecule, a ball: every silhouette is a disc of the diameter around the origin."""
    steps = torch.arange(SIDE) - SIDE // 2
    radius = PIXELS_PER_DIAMETER / 2
    squared = steps[:, None] ** 2 + steps**2
    disc = (squared <= radius**2).float()
    thickness = (radius**2 - squared).clamp(min=0).sqrt()
    projection = thickness / thickness[disc > 0].mean()
    return ProjectionBank(
        projection.expand(1, 5, -1, -1).half(),
        disc.expand(1, 5, -1, -1).half(),
        torch.tensor([150.0]),
    )


def draw(bank: ProjectionBank, seed: int, settings: SceneSettings = PLAIN) -> Scene:
    return draw_scene(bank, settings, np.random.default_rng(seed))


def discs(scene: Scene, radius: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The instances there should be, and the distance of each pixel to the nearest rim."""
    side = len(scene.image)
    pixels = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"), -1)
    if not len(scene.centers_yx):
        return torch.zeros(side, side), torch.full((side, side), torch.inf)
    distances = (pixels[:, :, None] - scene.centers_yx).norm(dim=-1)
    nearest, owner = distances.min(-1)
    instances = torch.where(nearest <= radius, owner + 1, 0)
    ordered = torch.cat((distances, torch.full((side, side, 1), torch.inf)), -1).sort(-1).values
    to_rim = torch.minimum((distances - radius).abs().amin(-1), ordered[..., 1] - ordered[..., 0])
    return instances, to_rim


@pytest.mark.parametrize("seed", range(6))
def test_instances_are_where_the_centres_are(bank: ProjectionBank, seed: int) -> None:
    scene = draw(bank, seed)
    expected, to_rim = discs(scene, PLAIN.diameter / 2)
    clear = to_rim > 0.75
    assert clear.float().mean() > 0.5
    assert torch.equal(scene.instances[clear].long(), expected[clear].long())
    areas = [int((plane > 0).sum()) for plane in (scene.instances, expected)]
    assert areas[0] == pytest.approx(areas[1], rel=0.03)


def test_the_diameter_varies_within_its_range(bank: ProjectionBank) -> None:
    settings = replace(PLAIN, scale=(0.5, 1.5))
    diameters = []
    for seed in range(12):
        scene = draw(bank, seed, settings)
        areas = torch.bincount(scene.instances.flatten().long())[1:]
        if len(areas):
            diameters.append(2 * (float(areas.max()) / np.pi) ** 0.5)
    assert 9 < min(diameters) < 15
    assert 24 < max(diameters) < 31


def test_particles_are_dark(bank: ProjectionBank) -> None:
    """Most looks aside: the CTF and the looks may hide a scene's contrast, not turn it."""
    contrasts = []
    for seed in range(20):
        scene = draw(bank, seed)
        particle = scene.instances > 0
        if particle.any() and (~particle).any():
            image = scene.image / scene.image.std()
            contrasts.append(float(image[particle].mean() - image[~particle].mean()))
    assert np.mean(contrasts) < -0.3
    assert np.mean(np.array(contrasts) < 0) > 0.85


def test_the_noise_is_what_the_snr_says(bank: ProjectionBank) -> None:
    """Scenes differ only by their noise where nothing else is drawn after it."""
    spread = {}
    for snr in (0.05, 5.0):
        settings = replace(PLAIN, snr=(snr, snr, snr))
        scenes = [draw(bank, seed, settings) for seed in range(20)]
        ratios = []
        for scene in scenes:
            particle = scene.instances > 0
            if particle.any() and (~particle).any():
                contrast = scene.image[particle].mean() - scene.image[~particle].mean()
                ratios.append(float(contrast.abs() / scene.image.std()))
        spread[snr] = np.median(ratios)
    assert spread[5.0] > 2 * spread[0.05]


def test_a_scene_depends_on_the_seed_alone(bank: ProjectionBank) -> None:
    dirty = replace(PLAIN, clean=0.0)
    first, again, other = (draw(bank, seed, dirty) for seed in (1, 1, 2))
    for name, plane in vars(first).items():
        assert torch.equal(getattr(again, name), plane)
    assert not torch.equal(other.image, first.image)


def test_contamination_holds_no_instance(bank: ProjectionBank) -> None:
    dirty = replace(PLAIN, clean=0.0, snr=(0.05, 0.2, 4.0))
    covered = 0
    for seed in range(12):
        scene = draw(bank, seed, dirty)
        assert scene.image.shape == scene.contamination.shape == (128, 128)
        assert scene.image.isfinite().all()
        assert not scene.instances[scene.contamination > 0].any()
        assert int(scene.instances.max()) <= len(scene.centers_yx)
        covered += bool(scene.contamination.any())
    assert covered >= 6


def test_some_scenes_are_empty(bank: ProjectionBank) -> None:
    scene = draw(bank, 0, replace(PLAIN, empty=1.0))
    assert not scene.instances.any()
    assert scene.centers_yx.shape == (0, 2)
    assert scene.image.isfinite().all()
    assert all(draw(bank, seed, replace(PLAIN, empty=0.0)).instances.any() for seed in range(5))


@pytest.mark.slow
def test_sparse_scenes_have_few_particles(bank: ProjectionBank) -> None:
    sparse = replace(PLAIN, size=256, empty=0.0, sparse=1.0)
    counts = [len(draw(bank, seed, sparse).centers_yx) for seed in range(20)]
    assert 1 <= min(counts) < max(counts) <= FEW
    full = [len(draw(bank, seed, replace(sparse, sparse=0.0)).centers_yx) for seed in range(20)]
    assert np.median(full) > FEW


@pytest.mark.parametrize("hard", [0.0, 0.3, 1.0])
def test_hard_scenes_have_a_low_snr(hard: float) -> None:
    random, settings = np.random.default_rng(0), replace(PLAIN, snr=(0.01, 0.2, 30.0), hard=hard)
    drawn = np.array([draw_snr(settings, random) for _ in range(2000)])
    assert 0.01 <= drawn.min() <= drawn.max() <= 30
    assert np.mean(drawn < 0.2) == pytest.approx(hard, abs=0.04)


def test_other_molecules_are_seen_and_not_labelled(bank: ProjectionBank) -> None:
    alone = replace(PLAIN, empty=1.0, others=1.0)
    for seed in range(3):
        scene = draw(bank, seed, alone)
        assert not scene.instances.any()
        assert not torch.equal(scene.image, draw(bank, seed, replace(alone, others=0.0)).image)


def test_centres_keep_apart(bank: ProjectionBank) -> None:
    for seed in range(5):
        centers = draw(bank, seed, replace(PLAIN, empty=0.0)).centers_yx
        distances = torch.cdist(centers, centers) + 1e9 * torch.eye(len(centers))
        assert distances.min() >= 0.6 * PLAIN.diameter


def test_the_background_of_a_real_micrograph(bank: ProjectionBank) -> None:
    """It is the image where no particle is, and particles keep off what is contaminated there."""
    random = np.random.default_rng(0)
    image = random.standard_normal((300, 300)).astype(np.float32)
    junk = np.zeros((300, 300), np.float32)
    junk[:, ::2] = 1.0
    settings = replace(PLAIN, real=1.0, empty=0.0, snr=(0.01, 0.01, 0.01))
    all_junk = Texture(image, np.ones_like(junk))
    scene = draw_scene(bank, settings, random, [all_junk])
    assert not scene.instances.any()
    assert bool((scene.contamination == 1).all())
    scene = draw_scene(bank, settings, random, [Texture(image, 0 * junk)])
    assert scene.instances.any()
    assert not scene.contamination.any()
    never = draw_scene(bank, replace(settings, real=0.0), random, [all_junk])
    assert not never.contamination.any()


def test_broken_particles_are_contamination_and_no_particles(bank: ProjectionBank) -> None:
    whole = draw(bank, 3, replace(PLAIN, empty=0.0))
    scene = draw(bank, 3, replace(PLAIN, empty=0.0, broken=1.0))
    assert whole.contamination.sum() == 0
    assert 0 < len(scene.centers_yx) < len(whole.centers_yx)
    assert scene.contamination.sum() > 0
    assert not ((scene.contamination > 0) & (scene.instances > 0)).any()
    pixels = torch.nonzero(scene.contamination).float()
    gone = torch.cdist(whole.centers_yx, scene.centers_yx).min(1).values > 1
    assert torch.cdist(pixels, whole.centers_yx[gone]).min(1).values.max() <= PLAIN.diameter / 2 + 2
