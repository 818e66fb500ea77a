# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import pdist

from cryosegment.core.optics.projection import rotation_matrices, silhouettes
from cryosegment.core.simulation.atoms import procedural_atoms
from cryosegment.core.simulation.fragments import break_molecule
from cryosegment.core.simulation.micrograph import draw_ctf, simulate_micrograph
from cryosegment.core.simulation.molecule import molecule_from_atoms, read_molecule
from cryosegment.core.simulation.sample import Sample
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import SimulateParams

PARAMS = SimulateParams(size=(300, 360), pixel_size=8.0, particles=40, snr=1.0, astigmatism=900.0)


@pytest.fixture(scope="module")
def molecule():
    return read_molecule("builtin", 8.0)


def simulate(sample, seed=1, **changes):
    params = dataclasses.replace(PARAMS, **changes)
    return simulate_micrograph(params, sample, torch.Generator().manual_seed(seed))


def test_particles_are_dark_where_the_masks_say(molecule):
    found = simulate(molecule, snr=100.0)
    inside = found.instances > 0
    smooth = torch.from_numpy(gaussian_filter(found.image.numpy(), 2))
    assert len(found.centers_yx) == 40
    assert smooth[inside].mean() < smooth[~inside].mean() - smooth[~inside].std()


def test_instances_are_the_silhouettes_of_the_true_poses(molecule):
    found = simulate(molecule)
    masks = silhouettes(molecule.support, rotation_matrices(found.angles))
    half = masks.shape[1] // 2
    for number, ((y, x), mask) in enumerate(zip(found.centers_yx.tolist(), masks, strict=True), 1):
        expected = torch.nonzero(mask) + torch.tensor([y - half, x - half])
        torch.testing.assert_close(torch.nonzero(found.instances == number), expected)


def test_overlaps_belong_to_the_nearer_centre(molecule):
    found = simulate(molecule, particles=120, min_distance=0.4)
    rows, columns = torch.nonzero(found.instances, as_tuple=True)
    mine = found.instances[rows, columns].long() - 1
    pixels = torch.stack((rows, columns), dim=1).float()
    distances = torch.cdist(pixels, found.centers_yx.float())
    own = distances.gather(1, mine[:, None])[:, 0]
    masks = silhouettes(molecule.support, rotation_matrices(found.angles))
    half = masks.shape[1] // 2
    for index, (y, x) in enumerate(found.centers_yx.tolist()):
        local = (rows - y + half, columns - x + half)
        is_near = distances[:, index] < own
        covered = masks[index][local[0][is_near], local[1][is_near]]
        assert not covered.any()


def test_particles_keep_their_distance_and_lie_inside(molecule):
    found = simulate(molecule)
    diameter = found.diameter / found.pixel_size
    margin = int(diameter / 2)
    assert pdist(found.centers_yx.numpy()).min() >= diameter
    assert int(found.centers_yx.min()) >= margin
    assert int(found.centers_yx[:, 0].max()) < 300 - margin
    assert int(found.centers_yx[:, 1].max()) < 360 - margin


@pytest.mark.parametrize("snr", [4.0, 0.25])
def test_snr_is_the_ratio_of_variances(molecule, snr):
    found = simulate(molecule, snr=snr)
    clean = simulate(molecule, snr=1e5)
    # Without noise the image is the signal times sqrt(1e5); the noise is what is left.
    signal = clean.image * np.sqrt(snr / 1e5)
    noise = found.image - signal
    assert float(signal.var() / noise.var()) == pytest.approx(snr, rel=0.1)
    assert float(noise.var()) == pytest.approx(1, rel=0.1)


def test_the_ice_shows_thon_rings_and_grain(molecule):
    found = simulate(molecule, snr=1e-5, astigmatism=0.0, b_factor=0.0, pixel_size=8.0)
    power = torch.fft.rfft2(found.image).abs() ** 2 / found.image.numel()
    transfer = found.ctf.transfer(300, 360, 8.0).abs()
    frequency = torch.hypot(torch.fft.fftfreq(300, 8.0)[:, None], torch.fft.rfftfreq(360, 8.0))
    fine, coarse = frequency > 1 / 20, (frequency > 1 / 80) & (frequency < 1 / 60)
    is_bright, is_dark = transfer > 0.9, transfer < 0.2
    assert power[fine & is_bright].mean() > 1.2 * power[fine & is_dark].mean()
    ice = (power - 0.74) / transfer.square()
    seen = transfer > 0.3
    assert ice[coarse & seen].mean() > 2 * ice[fine & seen].mean()


def test_the_same_seed_gives_the_same_micrograph(molecule):
    settings = {"ice_blobs": 2, "carbon": 1.0, "dose": 20.0, "ice_gradient": 1.0, "particles": 8}
    first, again = (simulate(molecule, 5, **settings) for _ in range(2))
    other = simulate(molecule, 6, **settings)
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.instances, again.instances)
    assert torch.equal(first.angles, again.angles)
    assert not torch.equal(first.image, other.image)


def test_contamination_is_classed_and_free_of_particles(molecule):
    found = simulate(molecule, ice_blobs=2, carbon=1.0, particles=15)
    assert set(found.classes.unique().tolist()) == {0, 1, 2}
    assert torch.equal(found.classes == 1, found.instances > 0)
    ys, xs = found.centers_yx.T
    assert bool((found.classes[ys, xs] != 2).all())
    assert len(found.centers_yx) > 0


def test_dose_gives_counts_around_the_electrons_per_pixel(molecule):
    found = simulate(molecule, dose=0.5, snr=0.1)
    assert bool((found.image == found.image.round()).all())
    assert float(found.image.mean()) == pytest.approx(0.5 * 8.0**2, rel=0.02)


@pytest.fixture(scope="module")
def mixture(molecule):
    domains = (((0.0, 0.0, 0.0), (20.0, 30.0, 45.0)),)
    atoms = procedural_atoms(domains, np.random.default_rng(1))
    small = molecule_from_atoms(*atoms, 8.0, 24.0, "small")
    fragments = [break_molecule(m, torch.Generator().manual_seed(1)) for m in (molecule, small)]
    return Sample((molecule, small), (1.0, 3.0), tuple(fragments))


def test_each_particle_of_a_mixture_is_the_silhouette_of_its_species(mixture):
    found = simulate(mixture, particles=30)
    counts = torch.bincount(found.species, minlength=2)
    assert int(counts.sum()) == len(found.angles) == len(found.centers_yx)
    assert counts[1] > counts[0] > 0
    rotations = rotation_matrices(found.angles)
    for index, species in enumerate(found.species.tolist()):
        mask = silhouettes(mixture.molecules[species].support, rotations[index : index + 1])[0]
        expected = torch.nonzero(mask) + found.centers_yx[index] - len(mask) // 2
        torch.testing.assert_close(torch.nonzero(found.instances == index + 1), expected)
    assert found.diameter == mixture.diameter


def test_broken_particles_are_contamination_and_no_instances(mixture):
    whole, broken = (simulate(mixture, particles=20, junk=junk) for junk in (0.0, 1.0))
    assert not (whole.classes == 2).any()
    assert len(broken.centers_yx) == 20
    assert int(broken.instances.max()) == 20
    assert not (broken.instances[broken.classes == 2] > 0).any()
    areas = [float(silhouettes(f.support, torch.eye(3)[None]).sum()) for f in mixture.fragments]
    lowest, highest = 20 * 0.5 * min(areas), 20 * 1.5 * max(areas)
    assert lowest < int((broken.classes == 2).sum()) < highest


def test_aggregates_and_gold_are_dark_contamination_without_particles(molecule):
    for settings in ({"aggregates": 2}, {"gold": 4, "gold_diameter": 200.0}):
        found = simulate(molecule, 3, snr=4.0, particles=8, **settings)
        dirt = found.classes == 2
        clean = found.image[found.classes == 0]
        ys, xs = found.centers_yx.T
        assert len(ys) == 8
        assert not dirt[ys, xs].any()
        assert found.image[dirt].mean() < clean.mean() - 0.3 * clean.std()


def test_preferred_views_reach_the_micrograph(molecule):
    found = simulate(molecule, preferred=1.0, preferred_view=(0.0, 90.0), preferred_spread=2.0)
    assert float((found.angles[:, 1] - 90).abs().max()) < 12
    assert float(found.angles[:, 0].abs().max()) < 12


def test_coverage_sets_the_number(molecule):
    sparse, dense = (simulate(molecule, particles=0, coverage=c) for c in (0.05, 0.2))
    assert len(dense.centers_yx) == pytest.approx(4 * len(sparse.centers_yx), abs=3)


def test_more_particles_than_numbers_are_refused(molecule):
    with pytest.raises(InputError, match="at most 32767 particles, got 40000"):
        simulate(molecule, particles=40_000)


def test_without_a_number_a_third_is_covered_by_particles(molecule):
    found = simulate(molecule, particles=0)
    area = len(found.centers_yx) * np.pi / 4 * (found.diameter / 8.0) ** 2
    assert area / (300 * 360) == pytest.approx(1 / 3, abs=0.05)


def test_defocus_and_astigmatism_stay_within_bounds():
    params = dataclasses.replace(PARAMS, defocus_min=9000.0, defocus_max=11000.0)
    generator = torch.Generator().manual_seed(1)
    ctfs = [draw_ctf(params, generator) for _ in range(200)]
    means = np.array([(ctf.defocus_u + ctf.defocus_v) / 2 for ctf in ctfs])
    differences = np.array([ctf.defocus_u - ctf.defocus_v for ctf in ctfs])
    assert 9000 <= means.min() < 9200 < 10800 < means.max() <= 11000
    assert 0 <= differences.min() < 100 < 800 < differences.max() <= 900
    assert ctfs[0].voltage == params.voltage


def test_a_molecule_of_another_pixel_size_or_too_large_is_refused(molecule):
    with pytest.raises(InputError, match="Å/px"):
        simulate(molecule, pixel_size=4.0)
    with pytest.raises(InputError, match="larger size"):
        simulate(read_molecule("builtin", 2.0), pixel_size=2.0, size=(80, 400))
