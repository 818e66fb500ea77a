# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import torch

from cryosegment.core.optics.ctf import Ctf
from cryosegment.core.optics.projection import project, random_angles, rotation_matrices
from cryosegment.core.particles.agreement import Agreement, Band, _Grid, agreements_with
from cryosegment.core.simulation.molecule import Molecule, read_molecule
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.particles import Poses

PIXEL_SIZE, COUNT = 4.0, 12
BAND = Band.beyond(24.0)
CTF = (12000.0, 11000.0, 30.0, 300.0, 2.7, 0.1, 0.0)


@pytest.fixture(scope="module")
def molecule() -> Molecule:
    return read_molecule("builtin", PIXEL_SIZE)


@pytest.fixture(scope="module")
def poses() -> Poses:
    """Particles that lie whole pixels from the middle of their images."""
    angles = random_angles(COUNT, torch.Generator().manual_seed(0)).numpy()
    shifts = PIXEL_SIZE * np.random.default_rng(0).integers(-3, 4, (COUNT, 2)).astype(float)
    return Poses(angles, shifts, np.tile(CTF, (COUNT, 1)))


@pytest.fixture(scope="module")
def images(molecule: Molecule, poses: Poses) -> np.ndarray:
    """What is recorded without noise, in real space: projections, moved, then the CTF."""
    rotations = rotation_matrices(torch.from_numpy(poses.angles).float())
    planes = project(molecule.density, rotations).numpy()
    pixels = (-poses.shifts_yx / PIXEL_SIZE).astype(int)
    moved = np.stack([np.roll(p, step, (0, 1)) for p, step in zip(planes, pixels, strict=True)])
    transfer = Ctf(*CTF).transfer(*moved.shape[1:], PIXEL_SIZE).numpy()
    return np.fft.irfft2(np.fft.rfft2(moved) * transfer, s=moved.shape[1:]).astype(np.float32)


def agreement(molecule: Molecule, poses: Poses, band: Band = BAND) -> Agreement:
    return Agreement(molecule.density, PIXEL_SIZE, poses, molecule.diameter, band)


ROWS = np.arange(COUNT)


def test_images_agree_with_their_own_poses(
    molecule: Molecule, poses: Poses, images: np.ndarray
) -> None:
    own = agreement(molecule, poses)
    right = own.of(images, PIXEL_SIZE, ROWS)
    assert right.min() > 0.95
    np.testing.assert_allclose(own.of(images[3:5], PIXEL_SIZE, ROWS[3:5]), right[3:5], atol=1e-5)
    np.testing.assert_allclose(own.of(7 * images + 2, PIXEL_SIZE, ROWS), right, atol=1e-3)
    np.testing.assert_allclose(own.of(-images, PIXEL_SIZE, ROWS), -right, atol=1e-5)
    other = Poses(np.roll(poses.angles, 1, 0), poses.shifts_yx, poses.ctfs)
    assert agreement(molecule, other).of(images, PIXEL_SIZE, ROWS).max() < 0.7
    away = Poses(poses.angles, poses.shifts_yx + 12.0, poses.ctfs)
    assert agreement(molecule, away).of(images, PIXEL_SIZE, ROWS).max() < 0.7


def test_noise_agrees_by_chance(molecule: Molecule, poses: Poses, images: np.ndarray) -> None:
    noise = np.random.default_rng(1).normal(size=images.shape).astype(np.float32)
    found = agreement(molecule, poses).of(noise, PIXEL_SIZE, ROWS)
    assert abs(found.mean()) < 0.1
    empty = np.zeros_like(images)
    assert agreement(molecule, poses).of(empty, PIXEL_SIZE, ROWS).tolist() == [0.0] * COUNT
    strong = 20 * images.std() * noise
    partly = agreement(molecule, poses).of(images + strong, PIXEL_SIZE, ROWS)
    assert found.mean() < partly.mean() < 0.9


def test_only_finer_details_than_those_that_aligned_count(
    molecule: Molecule, poses: Poses, images: np.ndarray
) -> None:
    """Without them nothing agrees, and coarser ones change nothing."""
    assert Band.beyond(12.0) == Band(12.0, 6.0)
    spectrum = np.fft.rfft2(images)
    radius = np.hypot(
        np.fft.fftfreq(images.shape[1], PIXEL_SIZE)[:, None],
        np.fft.rfftfreq(images.shape[2], PIXEL_SIZE),
    )
    coarse = np.fft.irfft2(spectrum * (radius < 1 / 60), s=images.shape[1:]).astype(np.float32)
    own = agreement(molecule, poses)
    right = own.of(images, PIXEL_SIZE, ROWS)
    np.testing.assert_allclose(own.of(images - coarse, PIXEL_SIZE, ROWS), right, atol=0.1)
    noise = np.random.default_rng(2).normal(size=images.shape).astype(np.float32)
    assert abs(own.of(coarse + 1e-3 * noise, PIXEL_SIZE, ROWS).mean()) < 0.2


def test_binned_images_and_maps_agree_as_well(
    molecule: Molecule, poses: Poses, images: np.ndarray, tmp_path: Path
) -> None:
    """The map has another box and voxel size than the images, whose side is odd."""
    fine = read_molecule("builtin", 3.0)
    mrcfile.write(tmp_path / "map.mrc", np.pad(fine.density.numpy(), 7), voxel_size=3.0)
    wide = np.pad(images, [(0, 0), (4, 5), (4, 5)])
    assert wide.shape[1] % 2 == 1
    own = agreements_with(tmp_path / "map.mrc", poses, molecule.diameter, BAND, ["cpu"])["cpu"]
    assert own.of(wide, PIXEL_SIZE, ROWS).min() > 0.9


def test_what_is_not_known_has_no_agreement(
    molecule: Molecule, poses: Poses, images: np.ndarray
) -> None:
    angles, ctfs = poses.angles.copy(), poses.ctfs.copy()
    angles[2], ctfs[5, 0] = np.nan, np.nan
    own = agreement(molecule, Poses(angles, poses.shifts_yx, ctfs))
    found = own.of(images, PIXEL_SIZE, ROWS)
    assert np.flatnonzero(np.isnan(found)).tolist() == [2, 5]
    assert np.isnan(own.of(images[2:3], PIXEL_SIZE, ROWS[2:3])).all()


def test_what_is_too_coarse_is_refused(
    molecule: Molecule, poses: Poses, images: np.ndarray
) -> None:
    with pytest.raises(InputError, match="expected a map that is finer than 8 Å"):
        agreement(molecule, poses, Band.beyond(8.0))
    with pytest.raises(InputError, match="expected images that are finer than 24 Å"):
        agreement(molecule, poses).of(images, 12.0, ROWS)


def test_every_frequency_of_the_band_counts_once_by_the_noise_of_its_ring() -> None:
    """The correlation of whole transforms within the band, which gains of rings do not change."""
    side, voxel = 24, 1.0
    grid = _Grid.of(side, PIXEL_SIZE, Band(25.0, 8.2), voxel, torch.device("cpu"))
    assert (grid.side, grid.pixel_size) == (side, PIXEL_SIZE)
    random = np.random.default_rng(0)
    image, point = random.normal(size=(side, side)), np.zeros((side, side))
    point[5, 7] = 1.0  # as much of every frequency: no ring is noisier than another
    frequencies = np.fft.fftfreq(side, PIXEL_SIZE)
    radius = np.hypot(frequencies[:, None], frequencies)
    inside = (radius > 1 / 25) & (radius < 1 / 8.2)
    one, other = np.fft.fft2(point) * inside, np.fft.fft2(image) * inside
    power = np.sqrt((abs(one) ** 2).sum() * (abs(other) ** 2).sum())
    expected = (one * other.conj()).real.sum() / power
    halves = [torch.fft.rfft2(torch.from_numpy(p)[None].float()) for p in (point, image)]
    assert float(grid.correlation(*halves)) == pytest.approx(expected, abs=1e-5)
    gains = torch.from_numpy(random.uniform(0.1, 10, int(grid.rings.max()) + 1)).float()
    loud = [half * gains[grid.rings] for half in halves]
    assert float(grid.correlation(*loud)) == pytest.approx(expected, abs=1e-5)


def test_what_lies_beyond_the_mask_does_not_count(
    molecule: Molecule, poses: Poses, images: np.ndarray
) -> None:
    """It is whole to half a diameter from the particle, and ends a tenth farther out."""
    wide = np.pad(images, [(0, 0), (20, 20), (20, 20)])
    axis = PIXEL_SIZE * (np.arange(wide.shape[1]) - wide.shape[1] // 2)
    away = np.hypot(
        axis[:, None] + poses.shifts_yx[:, :1, None], axis + poses.shifts_yx[:, 1:, None]
    )
    own = Agreement(molecule.density, PIXEL_SIZE, poses, molecule.diameter, Band(24.0, 8.0))
    right = own.of(wide, PIXEL_SIZE, ROWS)
    noise = np.random.default_rng(3).normal(size=wide.shape).astype(np.float32)
    for within, outside in ((0.601, True), (0.58, False)):
        changed = wide + images.std() * noise * (away > within * molecule.diameter)
        found = own.of(changed.astype(np.float32), PIXEL_SIZE, ROWS)
        assert (abs(found - right).max() < 1e-5) == outside
