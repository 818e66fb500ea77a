# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses
import math

import mrcfile
import numpy as np
import pytest
import torch

from cryosegment.core.optics.ctf import Ctf, wavelength
from cryosegment.core.optics.projection import project, rotation_matrices
from cryosegment.core.simulation.molecule import read_molecule

CTF = Ctf(15000.0, 11000.0, 30.0, 300.0, 2.7, 0.1, b_factor=80.0)


def textbook(height, width, pixel_size, ctf):
    """Rohou & Grigorieff, J. Struct. Biol. 192 (2015), eqs. 2 to 5, in polar frequencies."""
    y, x = np.meshgrid(
        np.fft.fftfreq(height, pixel_size), np.fft.rfftfreq(width, pixel_size), indexing="ij"
    )
    g, azimuth = np.hypot(x, y), np.arctan2(y, x)
    u, v, w = ctf.defocus_u, ctf.defocus_v, ctf.amplitude_contrast
    defocus = 0.5 * (u + v + (u - v) * np.cos(2 * (azimuth - np.deg2rad(ctf.defocus_angle))))
    length = wavelength(ctf.voltage)
    aberration = ctf.spherical_aberration * 1e7
    chi = np.pi * length * g**2 * (defocus - 0.5 * length**2 * g**2 * aberration)
    return np.sin(chi + np.arctan(w / np.sqrt(1 - w**2))) * np.exp(-ctf.b_factor * g**2 / 4)


@pytest.mark.parametrize(("voltage", "expected"), [(300.0, 0.0196875), (200.0, 0.0250793)])
def test_wavelength_matches_the_tables(voltage, expected):
    assert wavelength(voltage) == pytest.approx(expected, abs=1e-6)


def test_transfer_agrees_with_the_formula_in_polar_form():
    found = CTF.transfer(96, 75, 1.5).numpy()
    np.testing.assert_allclose(found, textbook(96, 75, 1.5, CTF), atol=2e-4)


@pytest.mark.parametrize("phase_shift", [90.0, 40.0])
def test_a_phase_plate_shifts_the_phase_as_in_relion(phase_shift):
    """RELION: -sin(k1 f^2 + k2 f^4 - k5 - k3), k1 negative at underfocus, k5 the phase shift."""
    ctf = dataclasses.replace(CTF, defocus_v=CTF.defocus_u, b_factor=0.0, phase_shift=phase_shift)
    found = ctf.transfer(96, 96, 1.5)[0].numpy()
    f, length = np.fft.rfftfreq(96, 1.5), wavelength(300.0)
    gamma = -np.pi * length * 15000.0 * f**2 + np.pi / 2 * 2.7e7 * length**3 * f**4
    gamma -= np.arctan(0.1 / np.sqrt(1 - 0.1**2))
    np.testing.assert_allclose(found, -np.sin(gamma - np.deg2rad(phase_shift)), atol=2e-4)
    if phase_shift == 90.0:
        np.testing.assert_allclose(found, np.cos(gamma), atol=2e-4)


def test_underfocus_images_protein_bright():
    transfer = CTF.transfer(64, 64, 4.0)
    assert transfer[0, 0] == pytest.approx(0.1)
    assert transfer[1, 1] > transfer[0, 0]


@pytest.mark.parametrize(
    ("phase_shift", "mistake"), [(0.0, {"defocus_angle": -30.0}), (60.0, {"phase_shift": 0.0})]
)
def test_transfer_agrees_with_relion(relion, phase_shift, mistake):
    molecule = read_molecule("builtin", 4.0)
    size = molecule.density.shape[0]
    angles = torch.tensor([[10.0, 20.0, 30.0], [100.0, 110.0, 120.0]])
    ctf = Ctf(15000.0, 9000.0, 30.0, 200.0, 2.0, 0.07, phase_shift)
    relion.write_map("map.mrc", molecule.density.numpy(), 4.0)
    rows = np.array([[*row, 15000.0, 9000.0, 30.0] for row in angles.tolist()])
    optics = {"voltage": 200, "aberration": 2.0, "amplitude": 0.07, "phase_shift": phase_shift}
    relion.write_star("in.star", "x.mrcs", rows, pixel_size=4.0, size=size, **optics)
    arguments = ("--i", "map.mrc", "--ang", "in.star", "--o", "out", "--angpix", 4, "--ctf")
    relion.run("relion_project", *arguments)
    images = torch.fft.rfft2(project(molecule.density, rotation_matrices(angles)))
    found = torch.fft.irfft2(images * ctf.transfer(size, size, 4.0), s=(size, size)).numpy()
    mistaken = dataclasses.replace(ctf, **mistake).transfer(size, size, 4.0)
    wrong = torch.fft.irfft2(images * mistaken, s=(size, size)).numpy()
    for ours, other, theirs in zip(
        found, wrong, mrcfile.read(relion.folder / "out.mrcs"), strict=True
    ):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999
        assert np.corrcoef(other.ravel(), theirs.ravel())[0, 1] < 0.99


def envelope(ctf, pixel_size=1.5):
    """Ratio of the transfer to that without envelope, along the first row."""
    bare = dataclasses.replace(ctf, focus_spread=0.0, convergence=0.0, b_factor=0.0)
    return (ctf.transfer(64, 64, pixel_size) / bare.transfer(64, 64, pixel_size))[0]


def test_temporal_coherence_damps_with_the_fourth_power_of_the_frequency():
    # exp(-0.5 (pi 0.019687 Å 80 Å / (3 Å)^2)^2) at 1/3 Å^-1, the Nyquist frequency
    found = envelope(Ctf(15_000.0, 15_000.0, focus_spread=80.0))
    assert float(found[-1]) == pytest.approx(0.859769, abs=1e-4)
    assert float(found[16]) == pytest.approx(0.859769 ** (1 / 16), abs=1e-4)


def test_spatial_coherence_damps_where_the_phase_is_steep():
    # exp(-(pi 1e-4 / L)^2 (Cs L^3 q^3 - dz L q)^2), L = 0.019687 Å, Cs = 2.7e7 Å, q = 1/3 Å^-1
    found = envelope(Ctf(15_000.0, 15_000.0, convergence=0.1))
    slope = 2.7e7 * 0.019687**3 / 27 - 15_000 * 0.019687 / 3
    expected = math.exp(-((math.pi * 1e-4 / 0.019687 * slope) ** 2))
    assert float(found[-1]) == pytest.approx(expected, rel=2e-3)
    assert 0.1 < expected < 0.2
    assert float(found[0]) == 1


def test_spatial_coherence_follows_the_astigmatism():
    ctf = Ctf(20_000.0, 10_000.0, 0.0, convergence=0.1)
    bare = dataclasses.replace(ctf, convergence=0.0)
    ratio = ctf.transfer(64, 64, 1.5) / bare.transfer(64, 64, 1.5)
    along, across = (
        envelope(Ctf(defocus, defocus, convergence=0.1))[20] for defocus in (20_000.0, 10_000.0)
    )
    assert float(ratio[0, 20]) == pytest.approx(float(along), rel=1e-3)
    assert float(ratio[20, 0]) == pytest.approx(float(across), rel=1e-3)
