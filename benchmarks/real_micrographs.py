# SPDX-License-Identifier: GPL-3.0-or-later
"""Denoised micrographs made fit for a refinement: coarse, their spectrum flat, their defocus known.

A denoising filter leaves each frequency a power of its own (here it spans six orders of magnitude
up to 20 Å), so that the edge of any mask spills the low frequencies over the high ones. All
micrographs are therefore divided by the root of their mean power at each frequency. The defocus of
each is where the cross-spectrum of its particles with projections of a known map changes sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mrcfile
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.images.micrograph import read_micrograph, write_image
from cryosegment.core.images.resample import fourier_crop
from cryosegment.core.optics.ctf import Ctf
from cryosegment.core.optics.projection import Projector, rotation_matrices
from cryosegment.exchange.particles.record import Particles

FINEST = (20.0, 16.0)
"""Å: between these the micrographs fall to 0; the filter of the benchmark's has left nothing."""
VOLTAGE, ABERRATION, AMPLITUDE = 300.0, 2.0, 0.1
"""Of EMPIAR-10017: kV, mm, share."""
DEFOCUS = np.arange(10_000.0, 60_000.0, 250.0)
DECAY = np.arange(0.0, 16_000.0, 1_000.0)
"""What is tried: defocus in Å, B-factors in Å^2."""
SIGN_RANGE = (32.0, 17.0)
"""Å: where the sign of the cross-spectrum is looked at."""


def write_whitened(
    paths: Sequence[Path], folder: Path, pixel_size: float, binning: int
) -> list[Path]:
    """Micrographs upside down (rows from the last, as RELION's files of them), coarse and white.

    Parameters
    ----------
    paths
        Of one size, a multiple of `binning`.
    folder
        Gets an MRC file for each.
    pixel_size
        Å/px of the micrographs.
    binning
        Their pixels along a side of one of the output.
    """
    targets = [folder / f"{path.stem}.mrc" for path in paths]
    if all(target.exists() for target in targets):
        return targets
    folder.mkdir(parents=True, exist_ok=True)
    images = []
    for path in paths:
        image = read_micrograph(path, pixel_size, path.stem).image.flip(0)
        images.append(fourier_crop(image, *(side // binning for side in image.shape)))
    for target, image in zip(targets, whitened(torch.stack(images), binning * pixel_size)):
        write_image(target, image.numpy(), binning * pixel_size)
    return targets


def whitened(images: Float[Tensor, "n h w"], pixel_size: float) -> Float[Tensor, "n h w"]:
    """Images with mean 0, divided by the root of their mean power at each frequency.

    Parameters
    ----------
    images
        Square, as one set: all are divided by the same.
    pixel_size
        Å/px; what is finer than `FINEST` is cut off.
    """
    side = images.shape[-1]
    spectra = torch.fft.rfft2(images)
    frequency = radial_frequency(side)
    shell = (frequency * side).round().long()
    power = shell_sums(spectra.abs().square().mean(0), shell) / shell_sums(
        torch.ones_like(frequency), shell
    )
    coarse, fine = (pixel_size / limit for limit in FINEST)
    kept = ((fine - frequency) / (fine - coarse)).clamp(0, 1)
    kept[0, 0] = 0
    return torch.fft.irfft2(spectra * kept / power[shell].sqrt(), s=images.shape[-2:])


def radial_frequency(side: int) -> Float[Tensor, "h f"]:
    """Frequencies of `torch.fft.rfft2` of a square, cycles per pixel."""
    return torch.hypot(torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)[None])


def shell_sums(values: Float[Tensor, "h f"], shell: Tensor) -> Float[Tensor, " k"]:
    """Sums of values of equal shell."""
    return torch.bincount(shell.flatten(), values.flatten().double()).to(values.dtype)


def cross_spectrum(
    image: Float[Tensor, "h w"], particles: Particles, known: Path, pixel_size: float
) -> Float[np.ndarray, " k"]:
    """Correlation of particles with projections of a known map by Fourier shell.

    Parameters
    ----------
    image
        Micrograph, particles dark.
    particles
        With poses, their places in px of the image.
    known
        Map in the box of the particles and with their pixel size.
    pixel_size
        Å/px.
    """
    volume = torch.from_numpy(mrcfile.read(known).astype(np.float32))
    side = len(volume)
    centers = particles.refined_centers_yx(pixel_size)
    half = side // 2
    inside = ((centers >= half) & (centers < np.array(image.shape) - half)).all(1)
    centers = centers[inside]
    corners = np.rint(centers).astype(int) - half
    windows = torch.stack([image[y : y + side, x : x + side] for y, x in corners])
    rests = torch.from_numpy(centers - corners - half).float()
    turns = torch.einsum("na,ahf->nhf", rests, frequencies(side))
    spectra = torch.fft.rfft2(torch.fft.ifftshift(windows, dim=(1, 2)))
    spectra = spectra * torch.exp(2j * torch.pi * turns)
    angles = torch.from_numpy(particles.angles[inside]).float()
    projections = Projector(volume).project(rotation_matrices(angles))
    models = torch.fft.rfft2(torch.fft.ifftshift(projections, dim=(1, 2)))
    shell = (radial_frequency(side) * side).round().long()
    products, own, other = (
        shell_sums(values.sum(0), shell)[: half + 1]
        for values in (
            -(spectra * models.conj()).real,
            spectra.abs().square(),
            models.abs().square(),
        )
    )
    return (products / (own * other).sqrt()).numpy()


def frequencies(side: int) -> Float[Tensor, "2 h f"]:
    """Of `torch.fft.rfft2` of a square along rows and columns, cycles per pixel."""
    y, x = torch.meshgrid(torch.fft.fftfreq(side), torch.fft.rfftfreq(side), indexing="ij")
    return torch.stack((y, x))


def fitted_defocus(correlation: Float[np.ndarray, " k"], length: float) -> float:
    """Defocus (Å) whose CTF with a decay is most like a cross-spectrum.

    Parameters
    ----------
    correlation
        By Fourier shell, from frequency 0; positive before the first zero.
    length
        Side of the box, Å.
    """
    frequency = np.arange(len(correlation)) / length
    shells = (frequency > 1 / SIGN_RANGE[0]) & (frequency < 1 / SIGN_RANGE[1])
    frequency, observed = frequency[shells], correlation[shells]
    # A shell has as many independent values as its frequency is high.
    weights = np.sqrt(frequency)
    best, found = -np.inf, 0.0
    for defocus in DEFOCUS:
        wave = transfer(float(defocus)).at_frequencies(
            torch.zeros(1, 1), torch.from_numpy(frequency)[None]
        )[0]
        for decay in DECAY:
            model = weights * wave.numpy() * np.exp(-decay / 4 * frequency**2)
            fit = model @ (weights * observed) / np.linalg.norm(model)
            if fit > best:
                best, found = fit, float(defocus)
    return found


def transfer(defocus: float) -> Ctf:
    """The contrast transfer function at a defocus, without astigmatism."""
    return Ctf(
        defocus,
        defocus,
        voltage=VOLTAGE,
        spherical_aberration=ABERRATION,
        amplitude_contrast=AMPLITUDE,
    )
