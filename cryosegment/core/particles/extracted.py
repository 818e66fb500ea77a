# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes cut out of simulated micrographs of full size, as programs extract particles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from cryosegment.core.images.resample import resample_labels
from cryosegment.core.particles.classes import class_map
from cryosegment.core.particles.model import working_images
from cryosegment.core.simulation.micrograph import SimulatedMicrograph, simulate_micrograph
from cryosegment.core.simulation.molecule import Molecule
from cryosegment.exchange.params import InputParams, SimulateParams

BOX = 1.5
"""Side of a box, in diameters."""
JITTER = 0.05
"""Standard deviation of a pick along each axis, in diameters."""
USUAL_PX = 150
"""Diameter of the particles, px: about 1 Å/px for most."""
USUAL = SimulateParams(size=(1536, 1536), coverage=0.3, ice_gradient=0.3)
USUAL_SNRS = (0.02, 0.05, 0.1)


@dataclass(frozen=True)
class Boxes:
    """Boxes of one micrograph, and what they hold.

    Parameters
    ----------
    images
        Particles bright, not normalised.
    instances
        0 is background, any other number a particle.
    pixel_size, diameter
        Å/px of the images, and of the particles in Å.
    """

    images: Float[Tensor, "n s s"]
    instances: Int[Tensor, "n s s"]
    pixel_size: float
    diameter: float

    def classes(self, shape: tuple[int, int]) -> Int[Tensor, "n h w"]:
        """Class of every pixel where the images are resampled to a shape."""
        scaled = [resample_labels(plane.numpy(), shape) for plane in self.instances]
        return class_map(torch.from_numpy(np.stack(scaled).astype(np.int32)))


def picks_of(found: SimulatedMicrograph, random: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    """Places of the particles, y and x in px, in random order and off by a picker's error."""
    centers = random.permutation(found.centers_yx.numpy().astype(float))
    return centers + random.normal(0, JITTER * found.diameter / found.pixel_size, centers.shape)


def extract(found: SimulatedMicrograph, places: Float[np.ndarray, "n 2"]) -> Boxes:
    """Boxes around those places, y and x in px, whose boxes lie inside the micrograph."""
    half = round(BOX * found.diameter / found.pixel_size / 2)
    corners = np.round(places).astype(int) - half
    inside = ((corners >= 0) & (corners + 2 * half <= found.image.shape)).all(1)
    windows = [(slice(y, y + 2 * half), slice(x, x + 2 * half)) for y, x in corners[inside]]
    empty = torch.zeros(0, 2 * half, 2 * half)
    images = torch.stack([-found.image[window] for window in windows]) if windows else empty
    instances = torch.stack([found.instances[w] for w in windows]) if windows else empty.short()
    return Boxes(images, instances, found.pixel_size, found.diameter)


def usual_batches(
    molecules: Iterable[Molecule], params: InputParams, seed: int
) -> Iterator[tuple[Float[Tensor, "b 1 h w"], Int[Tensor, "b h w"]]]:
    """Boxes of particles on clean ice as a network receives them, and the classes of their pixels.

    Parameters
    ----------
    molecules
        Each at `USUAL_PX` px in its diameter; of each there is a micrograph of each SNR.
    params
        What the network receives.
    seed
        Seed of the random numbers.
    """
    for number, molecule in enumerate(molecules):
        for snr in USUAL_SNRS:
            random = np.random.default_rng((seed, number, USUAL_SNRS.index(snr)))
            generator = torch.Generator().manual_seed(int(random.integers(2**31)))
            own = replace(USUAL, pixel_size=molecule.pixel_size, snr=snr)
            found = simulate_micrograph(own, molecule, generator)
            boxes = extract(found, picks_of(found, random))
            if len(boxes.images):
                images, _ = working_images(boxes.images, boxes.pixel_size, boxes.diameter, params)
                yield images[:, None], boxes.classes((images.shape[-2], images.shape[-1]))
