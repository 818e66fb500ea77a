# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated micrographs with true instance masks, classes, poses and CTF."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Int8, Int16
from torch import Tensor

from cryosegment.core.optics.ctf import Ctf
from cryosegment.core.simulation.aggregates import draw_aggregates
from cryosegment.core.simulation.contamination import (
    Contamination,
    carbon_edge,
    ice_blobs,
    no_contamination,
)
from cryosegment.core.simulation.drawing import Canvas, draw_particles
from cryosegment.core.simulation.gold import gold_beads, gold_contamination
from cryosegment.core.simulation.molecule import Molecule
from cryosegment.core.simulation.orientation import draw_angles
from cryosegment.core.simulation.placement import away_from, inner_area, random_positions
from cryosegment.core.simulation.recording import expose, noise_contrast, record
from cryosegment.core.simulation.sample import Sample, check_fit
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import CONTAMINATION, PARTICLE
from cryosegment.exchange.params import SimulateParams

# Radii of ice contaminants and of the holes in the carbon film, and the rim's unevenness, Å.
ICE_RADII = (80.0, 500.0)
HOLE_RADIUS = 6000.0
HOLE_WOBBLE = 30.0
# Numbers that an instance map can hold.
MOST_PARTICLES = 32_767


@dataclass(frozen=True)
class SimulatedMicrograph:
    """A simulated micrograph with its truth.

    Attributes
    ----------
    image
        Particles dark. Electrons counted when a dose was given, else in units of the noise's
        standard deviation, around 0.
    instances
        0 = background, k = silhouette of particle k (row k - 1 of the arrays below); where
        silhouettes overlap, of the particle whose centre is nearer.
    classes
        0 = background, 1 = particle, 2 = contamination, such as broken particles.
    centers_yx
        The pixels on which the particles' centres of mass fall, exactly.
    angles
        rot, tilt, psi of each particle, degrees.
    species
        Index of each particle's molecule in the sample.
    ctf
        The micrograph's CTF.
    pixel_size
        Å per pixel.
    diameter
        Longest dimension of the largest molecule, Å.
    """

    image: Float[Tensor, "h w"]
    instances: Int16[Tensor, "h w"]
    classes: Int8[Tensor, "h w"]
    centers_yx: Int[Tensor, "n 2"]
    angles: Float[Tensor, "n 3"]
    species: Int[Tensor, " n"]
    ctf: Ctf
    pixel_size: float
    diameter: float


@dataclass(frozen=True)
class _Scene:
    """Particles in their places, and broken ones among them."""

    kinds: Int[Tensor, " n"]
    centers_yx: Int[Tensor, "n 2"]
    angles: Float[Tensor, "n 3"]

    def select(self, chosen: Bool[Tensor, " n"]) -> _Scene:
        """Some of the particles."""
        return _Scene(self.kinds[chosen], self.centers_yx[chosen], self.angles[chosen])


def simulate_micrograph(
    params: SimulateParams, sample: Sample | Molecule, generator: torch.Generator
) -> SimulatedMicrograph:
    """One micrograph of a sample.

    Parameters
    ----------
    params
        Parameters, of which `count`, `molecule`, `ratios`, `seed`, `gpu` and `resume` are not
        used here.
    sample
        The molecules, at the pixel size of the micrograph, on the generator's device.
    generator
        Source of everything random: the same state gives the same micrograph.

    Raises
    ------
    InputError
        If a molecule has another pixel size or is larger than the micrograph, or there are more
        particles than an instance map can number.

    Notes
    -----
    The signal-to-noise ratio compares the noise-free micrograph (particles only, after CTF and
    detector, empty areas included) with the noise (ice and drift included): by their variances,
    as CRISP does (arXiv 2502.08287), or in dB by their sums of squares around empty ice, as
    PIXER does (BMC Bioinformatics 20 (2019), 41). Contaminants come on top and count as neither.
    """
    sample = Sample((sample,)) if isinstance(sample, Molecule) else sample
    check_fit(sample, params)
    ctf = draw_ctf(params, generator)
    dirt = _draw_contamination(params, sample, generator)
    scene = _place(params, sample, dirt.mask, generator)
    is_whole = scene.kinds < len(sample.molecules)
    whole, broken = scene.select(is_whole), scene.select(~is_whole)
    drawn = draw_particles(sample.bodies, whole.kinds, whole.centers_yx, whole.angles, params.size)
    if len(broken.kinds):
        dirt = dirt + _debris(sample, broken, params.size)
    darkness = record(params, ctf, drawn.potential, dirt, generator)
    classes = torch.where(dirt.mask, CONTAMINATION, 0).to(torch.int8)
    classes[drawn.owners > 0] = PARTICLE
    return SimulatedMicrograph(
        expose(params, darkness, generator),
        drawn.owners,
        classes,
        whole.centers_yx,
        whole.angles,
        whole.kinds,
        ctf,
        params.pixel_size,
        sample.diameter,
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
        b_factor=params.b_factor,
        focus_spread=params.focus_spread,
        convergence=params.convergence,
    )


def _draw_contamination(
    params: SimulateParams, sample: Sample, generator: torch.Generator
) -> Contamination:
    height, width = params.size
    dirt = no_contamination(height, width, generator)
    scale = 1 / params.pixel_size
    if torch.rand(1, generator=generator, device=generator.device).item() < params.carbon:
        radius, wobble = HOLE_RADIUS * scale, HOLE_WOBBLE * scale
        dirt = dirt + carbon_edge(height, width, radius, wobble, generator)
    if params.ice_blobs:
        radii = (ICE_RADII[0] * scale, ICE_RADII[1] * scale)
        dirt = dirt + ice_blobs(height, width, params.ice_blobs, radii, generator)
    if params.gold:
        path = gold_beads(height, width, params.gold, params.gold_diameter * scale, generator)
        dirt = dirt + gold_contamination(path, params.pixel_size, noise_contrast(params))
    if params.aggregates:
        density, mask = draw_aggregates(sample, params.aggregates, params.size, generator)
        zero = torch.zeros_like(density)
        dirt = dirt + Contamination(zero, zero, density, mask)
    return dirt


def _place(
    params: SimulateParams,
    sample: Sample,
    dirt: Bool[Tensor, "h w"],
    generator: torch.Generator,
) -> _Scene:
    """Particles on clean ground, whole inside the image, and broken ones among them."""
    height, width = params.size
    area = height * width * params.pixel_size**2
    count = params.particles or round(params.coverage * area / sample.area)
    broken = round(params.junk * count)
    if count + broken > MOST_PARTICLES:
        raise InputError(
            f"expected at most {MOST_PARTICLES} particles, got {count + broken}: give fewer, or a "
            "smaller micrograph"
        )
    kinds = torch.cat(
        (sample.draw_species(count, generator), sample.draw_fragments(broken, generator))
    )
    kinds = kinds[torch.randperm(len(kinds), generator=generator, device=generator.device)]
    radii = [body.diameter / (2 * params.pixel_size) for body in sample.bodies]
    allowed = [
        away_from(dirt, int(radius)) & inner_area(height, width, int(radius), generator)
        for radius in radii
    ]
    room = [params.min_distance * radius for radius in radii]
    centers_yx, found = random_positions(allowed, kinds.tolist(), room, params.touching, generator)
    return _Scene(kinds[found], centers_yx, draw_angles(params, len(found), generator))


def _debris(sample: Sample, broken: _Scene, size: tuple[int, int]) -> Contamination:
    """Broken particles as contamination."""
    canvas: Canvas = draw_particles(
        sample.bodies, broken.kinds, broken.centers_yx, broken.angles, size
    )
    zero = torch.zeros_like(canvas.potential)
    return Contamination(zero, zero, canvas.potential, canvas.owners > 0)
