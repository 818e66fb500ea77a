# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole micrographs with exact truth: instance masks, classes, poses, CTF."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Complex, Float, Int, Int8, Int16
from torch import Tensor

from cryosegment.core.simulation.contamination import (
    Contamination,
    carbon_edge,
    ice_blobs,
    ice_gradient,
    no_contamination,
)
from cryosegment.core.simulation.ctf import Ctf
from cryosegment.core.simulation.molecule import Molecule
from cryosegment.core.simulation.noise import (
    count_electrons,
    slow_noise,
    white_noise,
)
from cryosegment.core.simulation.placement import away_from, inner_area, random_positions
from cryosegment.core.simulation.projection import random_angles, rotation_matrices, silhouettes
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import CONTAMINATION, PARTICLE
from cryosegment.exchange.params import SimulateParams

# Shares of the noise's variance: white noise of the detector and the counting of electrons,
# structure of the ice (imaged through the CTF, so that it shows Thon rings), slow drift.
SHOT_SHARE, ICE_SHARE, DRIFT_SHARE = 0.74, 0.25, 0.01
# Ice is grainy: its power rises below the frequency of this wavelength as 1 / f^2, Å.
GRAIN = 30.0
# Slow drift has wavelengths above this, Å.
DRIFT_WAVELENGTH = 300.0
# Radii of ice contaminants and of the holes in the carbon film, and the rim's unevenness, Å.
ICE_RADII = (80.0, 500.0)
HOLE_RADIUS = 6000.0
HOLE_WOBBLE = 30.0
# Coverage by particles when no number is asked for.
COVERAGE = 1 / 3


@dataclass(frozen=True)
class SimulatedMicrograph:
    """A micrograph and all that is true of it.

    Attributes
    ----------
    image
        Particles dark. Electrons counted when a dose was given, else in units of the noise's
        standard deviation, around 0.
    instances
        0 = background, k = silhouette of particle k (row k - 1 of the arrays below); where
        silhouettes overlap, of the particle whose centre is nearer.
    classes
        0 = background, 1 = particle, 2 = contamination.
    centers_yx
        The pixels on which the particles' centres of mass fall, exactly.
    angles
        rot, tilt, psi of each particle, degrees.
    ctf
        The micrograph's CTF.
    pixel_size
        Å per pixel.
    diameter
        The molecule's longest dimension, Å.
    """

    image: Float[Tensor, "h w"]
    instances: Int16[Tensor, "h w"]
    classes: Int8[Tensor, "h w"]
    centers_yx: Int[Tensor, "n 2"]
    angles: Float[Tensor, "n 3"]
    ctf: Ctf
    pixel_size: float
    diameter: float


def simulate_micrograph(
    params: SimulateParams, molecule: Molecule, generator: torch.Generator
) -> SimulatedMicrograph:
    """One micrograph of a molecule in random orientations.

    Parameters
    ----------
    params
        What to simulate; `count`, `molecule`, `seed`, `gpu` and `resume` are the caller's.
    molecule
        At the pixel size of the micrograph, on the generator's device.
    generator
        Source of everything random: the same state gives the same micrograph.

    Raises
    ------
    InputError
        If the molecule has another pixel size or is larger than the micrograph.

    Notes
    -----
    The signal-to-noise ratio is the variance of the noise-free micrograph (particles only, after
    the CTF, empty areas included) over the variance of the noise (ice and drift included), as in
    CRISP (arXiv 2502.08287). Contaminants come on top and count as neither.
    """
    _check_fit(params, molecule)
    ctf = draw_ctf(params, generator)
    dirt = _draw_contamination(params, generator)
    centers_yx = _place(params, molecule, dirt.mask, generator)
    angles = random_angles(len(centers_yx), generator)
    potential, instances = _draw_particles(molecule, centers_yx, angles, params.size)
    contrast = _record(params, ctf, potential, dirt, generator)
    classes = torch.where(dirt.mask, CONTAMINATION, 0).to(torch.int8)
    classes[instances > 0] = PARTICLE
    return SimulatedMicrograph(
        _expose(params, contrast, generator),
        instances,
        classes,
        centers_yx,
        angles,
        ctf,
        params.pixel_size,
        molecule.diameter,
    )


def draw_ctf(params: SimulateParams, generator: torch.Generator) -> Ctf:
    """A CTF with random defocus and astigmatism within the bounds of `params`."""
    u = torch.rand(3, generator=generator, device=generator.device).tolist()
    defocus = params.defocus_min + u[0] * (params.defocus_max - params.defocus_min)
    half = u[1] * params.astigmatism / 2
    return Ctf(
        defocus + half,
        defocus - half,
        180 * u[2] - 90,
        params.voltage,
        params.spherical_aberration,
        params.amplitude_contrast,
        params.b_factor,
    )


def _check_fit(params: SimulateParams, molecule: Molecule) -> None:
    if not math.isclose(molecule.pixel_size, params.pixel_size, rel_tol=1e-6):
        raise InputError(
            f"expected molecule {molecule.name} at {params.pixel_size} Å/px, found "
            f"{molecule.pixel_size}: read it at the micrograph's pixel size"
        )
    if molecule.diameter > params.pixel_size * min(params.size):
        raise InputError(
            f"molecule {molecule.name} is {molecule.diameter:.0f} Å long, the micrograph "
            f"{params.pixel_size * min(params.size):.0f} Å wide: give a larger size or pixel size"
        )


def _draw_contamination(params: SimulateParams, generator: torch.Generator) -> Contamination:
    height, width = params.size
    dirt = no_contamination(height, width, generator)
    scale = 1 / params.pixel_size
    if torch.rand(1, generator=generator, device=generator.device).item() < params.carbon:
        radius, wobble = HOLE_RADIUS * scale, HOLE_WOBBLE * scale
        dirt = dirt + carbon_edge(height, width, radius, wobble, generator)
    if params.ice_blobs:
        radii = (ICE_RADII[0] * scale, ICE_RADII[1] * scale)
        dirt = dirt + ice_blobs(height, width, params.ice_blobs, radii, generator)
    return dirt


def _place(
    params: SimulateParams,
    molecule: Molecule,
    dirt: Bool[Tensor, "h w"],
    generator: torch.Generator,
) -> Int[Tensor, "n 2"]:
    """Centres on clean ground, whole particles inside the image."""
    height, width = params.size
    diameter = molecule.diameter / params.pixel_size
    area = height * width
    count = params.particles or round(COVERAGE * area / (math.pi / 4 * diameter**2))
    allowed = away_from(dirt, int(diameter / 2)) & inner_area(
        height, width, int(diameter / 2), generator
    )
    return random_positions(allowed, count, params.min_distance * diameter, generator)


def _draw_particles(
    molecule: Molecule,
    centers_yx: Int[Tensor, "n 2"],
    angles: Float[Tensor, "n 3"],
    size: tuple[int, int],
) -> tuple[Float[Tensor, "h w"], Int16[Tensor, "h w"]]:
    """Projected density of all particles, and whose silhouette each pixel is."""
    rotations = rotation_matrices(angles)
    images = molecule.projector.project(rotations)
    masks = silhouettes(molecule.support, rotations)
    box = images.shape[-1]
    # A rim of one box, so that every particle fits; cut off at the end.
    wide = (size[0] + 2 * box, size[1] + 2 * box)
    potential = images.new_zeros(wide)
    instances = torch.zeros(wide, dtype=torch.int16, device=images.device)
    nearest = torch.full(wide, float("inf"), device=images.device)
    offset = torch.arange(box, device=images.device) - box // 2
    distance = torch.hypot(offset[:, None].float(), offset[None, :].float())
    for index, (row, column) in enumerate(centers_yx.tolist()):
        top, left = row + box - box // 2, column + box - box // 2
        window = (slice(top, top + box), slice(left, left + box))
        potential[window] += images[index]
        mine = masks[index] & (distance < nearest[window])
        instances[window][mine] = index + 1
        nearest[window][mine] = distance[mine]
    inner = (slice(box, box + size[0]), slice(box, box + size[1]))
    return potential[inner], instances[inner].contiguous()


def _record(
    params: SimulateParams,
    ctf: Ctf,
    potential: Float[Tensor, "h w"],
    dirt: Contamination,
    generator: torch.Generator,
) -> Float[Tensor, "h w"]:
    """Darkness of the image without counting noise, in units of the noise's sd."""
    height, width = params.size
    transfer = ctf.transfer(height, width, params.pixel_size, generator.device)
    spectrum = torch.fft.rfft2(potential) * transfer
    signal = math.sqrt(params.snr / max(_variance(spectrum, height, width), 1e-20))
    # Amorphous ice, and that of contaminants, imaged through the CTF.
    transfer *= _grain(params).to(transfer.device)
    strength = math.sqrt(ICE_SHARE) / transfer.square().mean().sqrt()
    structure = strength * torch.hypot(torch.ones_like(dirt.texture), dirt.texture)
    ice = torch.fft.rfft2(structure * white_noise(height, width, generator))
    darkness = torch.fft.irfft2(spectrum.mul_(signal).add_(ice.mul_(transfer)), s=params.size)
    drift = slow_noise(height, width, DRIFT_WAVELENGTH / params.pixel_size, generator)
    darkness += math.sqrt(DRIFT_SHARE) * drift + dirt.absorption
    if params.ice_gradient:
        darkness -= ice_gradient(height, width, params.ice_gradient, generator)
    return darkness


def _grain(params: SimulateParams) -> Float[Tensor, "h f"]:
    """Amplitude of the ice's structure on the frequencies of the CTF, 1 at high ones."""
    y = torch.fft.fftfreq(params.size[0], params.pixel_size)[:, None]
    x = torch.fft.rfftfreq(params.size[1], params.pixel_size)[None, :]
    waves = (y**2 + x**2).clamp_(min=DRIFT_WAVELENGTH**-2)
    return waves.mul_(GRAIN**2).reciprocal_().add_(1).sqrt_()


def _variance(spectrum: Complex[Tensor, "h f"], height: int, width: int) -> float:
    """Variance of the image whose `rfft2` this is (Parseval); the mean does not count."""
    power = spectrum.abs().square_()
    power[0, 0] = 0
    twice = power.sum() * 2 - power[:, 0].sum()
    if width % 2 == 0:
        twice -= power[:, -1].sum()
    return float(twice) / (height * width) ** 2


def _expose(
    params: SimulateParams, darkness: Float[Tensor, "h w"], generator: torch.Generator
) -> Float[Tensor, "h w"]:
    """The recorded image: the shot noise added, or electrons counted."""
    height, width = params.size
    if params.dose == 0:
        noise = white_noise(height, width, generator)
        return noise.mul_(math.sqrt(SHOT_SHARE)).sub_(darkness)
    # The contrast is such that the counting noise has its share of the variance.
    dose = params.dose * params.pixel_size**2
    contrast = 1 / math.sqrt(dose * SHOT_SHARE)
    return count_electrons(1 - contrast * darkness, dose, generator)
