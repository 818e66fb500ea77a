# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from cryosegment.core.training.data.augmentation import (
    LEVELS,
    Augmentation,
    Patches,
    augment,
    filter_spectrum,
    mix_noise,
    paste_particles,
)

SIDE = 64
COUNT = 6
EVERY = Augmentation(gain=0.1, offset=0.1, noise=0.3, paste=1.0, spectrum=0.3, mixing=0.7)


def randoms(count: int = COUNT, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng((seed, number)) for number in range(count)]


def discs(centers: list[tuple[float, float]], level: float, count: int = COUNT) -> Patches:
    """Patches with discs of radius 6 and one grey level."""
    table = torch.tensor(centers).reshape(-1, 2)
    pixels = torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij"), -1)
    instances = torch.zeros(SIDE, SIDE, dtype=torch.int32)
    for number, center in enumerate(table, start=1):
        instances[(pixels - center).norm(dim=-1) <= 6] = number
    plane = torch.zeros(count, SIDE, SIDE)
    return Patches(
        image=torch.where(instances > 0, level, 0.25).expand(count, -1, -1).float(),
        instances=instances.expand(count, -1, -1),
        contamination=plane,
        known=plane + 1,
        edge=plane,
        centers_yx=table.expand(count, -1, -1).float(),
    )


def noise(count: int, correlation: float) -> torch.Tensor:
    """Coloured noise of standard deviation 1."""
    white = np.random.default_rng(9).standard_normal((count, SIDE, SIDE))
    soft = ndimage.gaussian_filter(white, (0, correlation, correlation), mode="wrap")
    return torch.from_numpy(soft / soft.std()).float()


def same(first: Patches, second: Patches) -> bool:
    return all(torch.equal(getattr(first, name), getattr(second, name)) for name in vars(first))


@pytest.fixture
def patches() -> Patches:
    return replace(discs([(15.0, 15.0)], -2.0), image=noise(COUNT, 1.0))


@pytest.fixture
def partners() -> Patches:
    return replace(discs([(40.0, 40.0), (18.0, 24.0)], -2.0), image=noise(COUNT, 3.0))


def test_no_augmentation_changes_nothing(patches: Patches, partners: Patches) -> None:
    assert same(augment(patches, partners, LEVELS["none"], randoms()), patches)


def test_arguments_stay_as_they_are(patches: Patches, partners: Patches) -> None:
    copies = [
        Patches(**{name: value.clone() for name, value in vars(each).items()})
        for each in (patches, partners)
    ]
    augment(patches, partners, EVERY, randoms())
    assert same(patches, copies[0])
    assert same(partners, copies[1])


def test_a_patch_does_not_depend_on_those_beside_it(patches: Patches, partners: Patches) -> None:
    whole = augment(patches, partners, EVERY, randoms())
    rest, others = (
        Patches(**{name: value[2:] for name, value in vars(each).items()})
        for each in (patches, partners)
    )
    found = augment(rest, others, EVERY, randoms()[2:])
    for name in vars(whole):
        expected = getattr(whole, name)[2:]
        torch.testing.assert_close(getattr(found, name), expected, atol=1e-5, rtol=1e-5)
    again = augment(patches, partners, EVERY, randoms(seed=1))
    assert not torch.equal(again.image, whole.image)


def test_contrast_and_noise_have_the_strength_asked_for() -> None:
    flat = discs([], 0.0, 400)
    image = augment(flat, None, Augmentation(gain=0.2), randoms(400)).image[:, 0, 0]
    assert float((image / 0.25).log().std()) == pytest.approx(0.2, rel=0.1)
    image = augment(flat, None, Augmentation(offset=0.2), randoms(400)).image[:, 0, 0]
    assert float(image.std()) == pytest.approx(0.2, rel=0.1)
    deviations = augment(flat, None, Augmentation(noise=0.4), randoms(400)).image.std((1, 2))
    assert float(deviations.max()) == pytest.approx(0.4, rel=0.05)
    assert float(deviations.mean()) == pytest.approx(0.2, rel=0.1)


def test_a_particle_is_pasted_with_its_labels() -> None:
    base, partners = discs([(15.0, 15.0)], -2.0), discs([(40.0, 40.0)], -1.0)
    ring = discs([(40.0, 40.0)], -1.0).instances > 0
    known = 1 - (ndimage.binary_dilation(ring.numpy(), iterations=1) & ~ring.numpy())
    level = torch.full_like(base.image, -1.0)
    known = torch.from_numpy(known).float()
    partners = replace(partners, image=level, known=known, edge=ring.float())
    found = paste_particles(base, partners, 1.0, randoms())
    pasted = (found.instances == 2).any((1, 2))
    assert 0 < pasted.sum() < COUNT
    for number in range(COUNT):
        if not pasted[number]:
            assert torch.equal(found.image[number], base.image[number])
            continue
        assert torch.equal(found.instances[number] == 2, ring[number])
        assert torch.equal(found.instances[number] == 1, base.instances[number] == 1)
        assert torch.equal(found.known[number], partners.known[number])
        assert torch.equal(found.edge[number], partners.edge[number])
        assert found.centers_yx[number].tolist() == [[15, 15], [40, 40]]
        inner = ndimage.binary_erosion(ring[number].numpy(), iterations=4)
        assert (found.image[number][inner] == -1).all()
        far = ~ndimage.binary_dilation(ring[number].numpy(), iterations=4)
        assert torch.equal(found.image[number][far], base.image[number][far])
        assert found.image[number, 30:, 30:].diff().abs().max() < 0.5  # a soft edge


@pytest.mark.parametrize("what", ["instances", "known", "contamination"])
def test_nothing_is_pasted_where_the_ice_is_not_empty(what: str) -> None:
    base, partners = discs([(15.0, 15.0)], -2.0), discs([(40.0, 40.0)], -1.0)
    plane = getattr(base, what).clone()
    plane[:, 48, 40] = 0 if what == "known" else 1  # two pixels from the disc
    blocked = replace(base, **{what: plane})
    assert same(
        replace(paste_particles(blocked, partners, 1.0, randoms()), centers_yx=base.centers_yx),
        blocked,
    )


def test_share_of_patches_that_get_particles() -> None:
    base, partners = discs([], 0.0, 300), discs([(40.0, 40.0)], -1.0, 300)
    found = paste_particles(base, partners, 0.4, randoms(300))
    assert float(found.instances.amax((1, 2)).float().mean()) == pytest.approx(0.2, abs=0.06)


def test_a_filter_is_smooth_and_radial_and_keeps_the_deviation() -> None:
    image = noise(COUNT, 0.7)
    found = filter_spectrum(image, 0.5, randoms())
    torch.testing.assert_close(found.std((1, 2)), image.std((1, 2)), rtol=1e-4, atol=1e-5)
    gains = (torch.fft.fft2(found) / torch.fft.fft2(image)).numpy()
    np.testing.assert_allclose(gains.imag, 0, atol=1e-3)
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    rings = (frequencies * SIDE).round().astype(int)
    for gain in gains.real:
        means = ndimage.mean(gain, rings, range(1, 32))
        spread = ndimage.standard_deviation(gain, rings, range(1, 32))
        assert (spread < 0.1 * means).all()
        assert np.abs(np.diff(np.log(means))).max() < 0.25
    assert gains.real.std(0).max() > 0.1


def test_strength_of_the_filter() -> None:
    image = noise(1, 0.7).expand(500, -1, -1)
    found = filter_spectrum(image, 0.3, randoms(500))
    gains = (torch.fft.fft2(found)[:, 0, 1] / torch.fft.fft2(image)[:, 0, 1]).abs().log()
    assert 0.1 < float(gains.std()) < 0.4  # less than 0.3 by what the deviation takes back


def test_noise_is_like_that_of_the_other_place(partners: Patches) -> None:
    """Correlated as there; particles there leave no trace."""
    dark = torch.where(partners.instances > 0, -50.0, partners.image)
    white = torch.from_numpy(np.random.default_rng(3).standard_normal((COUNT, SIDE, SIDE))).float()
    found = mix_noise(white, replace(partners, image=dark), 2.0, randoms())
    torch.testing.assert_close(found.std((1, 2)), torch.ones(COUNT), atol=0.1, rtol=0)
    for image, before in zip(found, white, strict=True):
        kept = float((image * before).mean())
        added = image - kept * before
        if kept < 0.8:
            assert correlation(added) == pytest.approx(correlation(partners.image[0]), abs=0.1)
    assert found.isfinite().all()


def correlation(image: torch.Tensor) -> float:
    """Of pixels two apart."""
    return float(np.corrcoef(image[:, 2:].flatten(), image[:, :-2].flatten())[0, 1])


def test_a_place_without_ice_gives_no_noise(patches: Patches, partners: Patches) -> None:
    unknown = replace(partners, known=torch.zeros_like(partners.known))
    found = mix_noise(patches.image, unknown, 1.0, randoms())
    assert found.isfinite().all()
    ratio = found / patches.image
    torch.testing.assert_close(ratio, ratio[:, :1, :1].expand_as(ratio), rtol=1e-4, atol=1e-4)
