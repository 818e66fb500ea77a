# SPDX-License-Identifier: GPL-3.0-or-later
"""Angles and shifts against `relion_project`, for particles read from one STAR file by both."""

import shutil
import subprocess

import mrcfile
import numpy as np
import pytest
import torch
from scipy import ndimage

from cryosegment.core.labels.body import body_from_mask
from cryosegment.core.labels.project import project_masks
from cryosegment.core.labels.reconstruction import Labeller, LabelRules
from cryosegment.core.optics.projection import Projector, rotation_matrices
from cryosegment.core.simulation.molecule import read_molecule
from cryosegment.exchange.labels import PARTICLE
from cryosegment.exchange.params import LabelsProjectParams
from cryosegment.exchange.particles import read_particles
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.star import write_star
from cryosegment.tests.machine import NO_RELION

PIXEL_SIZE = 5.0
COUNT = 12


@pytest.fixture(scope="module")
def molecule():
    return read_molecule("builtin", PIXEL_SIZE)


@pytest.fixture(scope="module")
def box(molecule):
    """A box with room for shifts."""
    return molecule.density.shape[0] + 16


@pytest.fixture
def relion_project(tmp_path, box):
    """Projections by RELION of a volume, for the particles of `p.star`."""
    if shutil.which("relion_project") is None:
        pytest.skip(NO_RELION)
    random = np.random.default_rng(7)
    columns = {
        "rlnImageName": [f"{i + 1:06d}@x.mrcs" for i in range(COUNT)],
        "rlnMicrographName": [f"{i}.mrc" for i in range(COUNT)],
        "rlnCoordinateX": [float(box // 2)] * COUNT,
        "rlnCoordinateY": [float(box // 2)] * COUNT,
        "rlnAngleRot": list(random.uniform(-180, 180, COUNT)),
        "rlnAngleTilt": list(np.rad2deg(np.arccos(random.uniform(-1, 1, COUNT)))),
        "rlnAnglePsi": list(random.uniform(-180, 180, COUNT)),
        "rlnOriginXAngst": list(random.uniform(-30, 30, COUNT)),
        "rlnOriginYAngst": list(random.uniform(-30, 30, COUNT)),
        "rlnOpticsGroup": [1] * COUNT,
    }
    optics = {
        "rlnOpticsGroup": [1],
        "rlnOpticsGroupName": ["o"],
        "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1],
        "rlnImagePixelSize": [PIXEL_SIZE],
        "rlnImageSize": [box],
        "rlnImageDimensionality": [2],
    }
    write_star(tmp_path / "p.star", {"optics": optics, "particles": columns})

    def project(volume):
        with mrcfile.new(tmp_path / "map.mrc", overwrite=True) as file:
            file.set_data(volume.astype(np.float32))
            file.voxel_size = PIXEL_SIZE
            file.set_volume()
        command = ["relion_project", "--i", "map.mrc", "--ang", "p.star", "--o", "out"]
        subprocess.run(
            [*command, "--angpix", str(PIXEL_SIZE)], cwd=tmp_path, check=True, capture_output=True
        )
        return mrcfile.read(tmp_path / "out.mrcs")

    return project


def widened(volume, box):
    return np.pad(volume, (box - volume.shape[0]) // 2)


def test_projections_at_refined_centres(relion_project, molecule, box, tmp_path):
    volume = widened(molecule.density.numpy(), box)
    expected = relion_project(volume)
    particles = read_particles(tmp_path / "p.star")
    rotations = rotation_matrices(torch.from_numpy(particles.angles).float())
    images = Projector(torch.from_numpy(volume)).project(rotations).numpy()
    moves = particles.refined_centers_yx(PIXEL_SIZE) - box // 2
    for image, move, theirs in zip(images, moves, expected, strict=True):
        spectrum = ndimage.fourier_shift(np.fft.fft2(image), move)
        ours = np.fft.ifft2(spectrum).real
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.995
        assert np.corrcoef(image.ravel(), theirs.ravel())[0, 1] < 0.99
        wrong = np.fft.ifft2(ndimage.fourier_shift(np.fft.fft2(image), -move)).real
        assert np.corrcoef(wrong.ravel(), theirs.ravel())[0, 1] < 0.99


def test_footprints_at_refined_centres(relion_project, molecule, box, tmp_path):
    """Each box is a micrograph of one particle; RELION projects the body's mask."""
    mask = widened(molecule.support.numpy(), box)
    expected = relion_project(mask)
    particles = read_particles(tmp_path / "p.star")
    labeller = Labeller(body_from_mask(mask.astype(np.float32), PIXEL_SIZE), LabelRules())
    for i, theirs in enumerate(expected):
        own = particles.select([i])
        found = labeller.screen((box, box), PIXEL_SIZE, own)
        ours = labeller.paint((box, box), PIXEL_SIZE, found).instances == 1
        thick = theirs > 1.5  # voxels; RELION's projections ring by about one
        assert (ours & thick).sum() / (ours | thick).sum() > 0.9
        np.testing.assert_allclose(
            np.argwhere(ours).mean(axis=0), np.argwhere(thick).mean(axis=0), atol=0.25
        )


def test_masks_of_particle_images(relion_project, molecule, box, tmp_path):
    """particleSeg takes RELION's projections of the mask for the signal."""
    mask = widened(molecule.support.numpy(), box)
    expected = relion_project(mask) > 1.5
    params = LabelsProjectParams(str(tmp_path / "p.star"), mask=str(tmp_path / "map.mrc"))
    project_masks(params, tmp_path / "masks", no_progress)
    masks = mrcfile.read(tmp_path / "masks" / "masks.mrcs")
    assert masks.shape == expected.shape
    signal = masks == PARTICLE
    overlaps = (signal & expected).sum(axis=(1, 2)) / (signal | expected).sum(axis=(1, 2))
    assert overlaps.min() > 0.9
