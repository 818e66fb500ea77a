# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses
import math

import numpy as np
import pytest
import torch

from cryosegment.core.optics.ctf import Ctf
from cryosegment.core.simulation.contamination import no_contamination
from cryosegment.core.simulation.micrograph import simulate_micrograph
from cryosegment.core.simulation.molecule import read_molecule
from cryosegment.core.simulation.recording import detector_mtf, expose, noise_contrast, record
from cryosegment.exchange.params import SimulateParams

SIZE = (256, 300)
PARAMS = SimulateParams(size=SIZE, pixel_size=8.0, particles=30, snr=SimulateParams.snr)


@pytest.fixture(scope="module")
def molecule():
    return read_molecule("builtin", 8.0)


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def simulated(molecule, seed=1, **changes):
    return simulate_micrograph(dataclasses.replace(PARAMS, **changes), molecule, seeded(seed))


def test_the_mtf_is_one_at_zero_and_the_given_value_at_nyquist():
    mtf = detector_mtf(8, 8, 0.25)
    # 1 / (1 + 3 (2 f)^2) at f = 0, 1/8, ..., 1/2
    row = [1, 1 / (1 + 3 / 16), 1 / (1 + 3 / 4), 1 / (1 + 27 / 16), 0.25]
    torch.testing.assert_close(mtf[0], torch.tensor(row))
    torch.testing.assert_close(mtf[:5, 0], torch.tensor(row))
    assert float(mtf[4, 4]) == pytest.approx(1 / 7)
    assert torch.equal(detector_mtf(6, 7, 1.0), torch.ones(6, 4))


@pytest.mark.parametrize("snr_db", [-10.0, 3.0])
def test_snr_in_db_is_as_pixer_defines_it(molecule, snr_db):
    clean = simulated(molecule, snr_db=60.0).image * 10 ** ((snr_db - 60) / 20)
    image = simulated(molecule, snr_db=snr_db).image
    found = 10 * math.log10(float(clean.square().sum() / (image - clean).square().sum()))
    assert found == pytest.approx(snr_db, abs=0.4)


def test_the_mean_counts_in_db_and_not_in_the_ratio(molecule):
    """Amplitude contrast darkens the mean, which sums of squares hold and variances do not."""
    settings = {"amplitude_contrast": 0.9, "particles": 60, "min_distance": 0.6}
    by_power = simulated(molecule, snr_db=50.0, **settings).image
    by_variance = simulated(molecule, snr=1e5, **settings).image
    assert float(by_power.square().mean()) == pytest.approx(1e5, rel=0.01)
    assert float(by_variance.var()) == pytest.approx(1e5, rel=0.01)
    assert float(by_power.var()) < 0.95e5


def test_the_detector_blurs_the_signal_and_not_the_shot_noise(molecule):
    sharp = simulated(molecule, snr=1e5).image
    soft = simulated(molecule, snr=1e5, mtf=0.2).image
    ratio = torch.fft.rfft2(soft) / torch.fft.rfft2(sharp)
    frequency = torch.hypot(
        torch.fft.fftfreq(SIZE[0])[:, None], torch.fft.rfftfreq(SIZE[1])[None, :]
    )
    power = torch.fft.rfft2(sharp).abs()
    strong = power > 0.02 * power.max()
    expected = 1 / (1 + 4 * (2 * frequency[strong]) ** 2)
    found = ratio[strong].abs() / expected
    np.testing.assert_allclose(found, float(found.median()), rtol=0.05)
    assert float(soft.var()) == pytest.approx(1e5, rel=0.02)
    noise = simulated(molecule, snr=1e-5, mtf=0.2).image
    spectrum = torch.fft.rfft2(noise).abs().square() / noise.numel()
    high = spectrum[frequency > 0.45].mean()
    assert 0.74 < float(high) < 0.82


def test_thick_ice_has_more_structure(molecule):
    """Local variance = 0.74 shot + 0.25 ice × thickness (+ 0.01 drift, which is smooth)."""
    params = dataclasses.replace(PARAMS, snr=1e-5, ice_gradient=90.0, ice_wedge=1.0, particles=1)
    images = torch.stack([simulate_micrograph(params, molecule, seeded(9)).image])
    ramp = images.mean(0)
    for _ in range(3):
        ramp = torch.nn.functional.avg_pool2d(
            ramp[None, None], 9, stride=1, padding=4, count_include_pad=False
        )[0, 0]
    brightness = ramp / 90
    rest = images[0] - ramp
    inner = torch.zeros(SIZE, dtype=torch.bool)
    inner[20:-20, 20:-20] = True
    thick = inner & (brightness < torch.quantile(brightness[inner], 0.15))
    thin = inner & (brightness > torch.quantile(brightness[inner], 0.85))
    ratio = float(rest[thick].var() / rest[thin].var())
    thickness = [1 - float(brightness[where].mean()) for where in (thick, thin)]
    assert thickness[0] > 1.25
    assert thickness[1] < 0.75
    expected = (0.74 + 0.25 * thickness[0]) / (0.74 + 0.25 * thickness[1])
    assert ratio == pytest.approx(expected, rel=0.07)


def test_contrast_makes_the_counting_noise_its_share():
    params = dataclasses.replace(PARAMS, dose=25.0)
    counts = expose(params, torch.zeros(SIZE), seeded()) / (25 * 64)
    assert float(counts.mean()) == pytest.approx(1, rel=0.01)
    assert float(counts.std() / noise_contrast(params)) == pytest.approx(math.sqrt(0.74), rel=0.02)
    assert noise_contrast(PARAMS) == pytest.approx(1 / math.sqrt(30 * 64 * 0.74))


def test_junk_comes_on_top_of_the_signal():
    """The density of dirt is scaled as the particles are, and adds to them."""
    particles, dirt = torch.zeros(SIZE), no_contamination(*SIZE, seeded())
    particles[100:110, 100:110] = 4.0
    dirt.density[150:160, 200:210] = 4.0
    params = dataclasses.replace(PARAMS, snr=1e5)
    ctf = Ctf(15_000.0, 15_000.0)
    alone = record(params, ctf, particles, no_contamination(*SIZE, seeded()), seeded(4))
    both = record(params, ctf, particles, dirt, seeded(4))
    shifted = (both - alone).roll((-50, -100), (0, 1))
    assert float((shifted - alone).abs().max()) < 0.02 * float(alone.abs().max())
