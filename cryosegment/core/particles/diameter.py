# SPDX-License-Identifier: GPL-3.0-or-later
"""The particle diameter at which images look best to a model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float32

from cryosegment.core.particles.blocks import blocks_of
from cryosegment.core.particles.model import ParticleModel
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.particles import ParticleFile

SAMPLE = 192
"""Images by which the diameter is estimated, from all over the list."""
PLACES = 8
"""In how many places of the list."""
SHARES = (0.4, 0.5, 0.6, 0.7, 0.8)
"""Diameters that are tried, as shares of the box: programs advise boxes of 1.5 diameters."""


def find_diameter(model: ParticleModel, particles: ParticleFile) -> float:
    """The diameter, Å, at which images from all over a list look best to a model.

    Diameters are tried as shares of the box; where the sum of the qualities of the images is
    highest, most of them show a whole particle.

    Parameters
    ----------
    model
        Model of particle images.
    particles
        The list; stacks that cannot be read are passed over.

    Raises
    ------
    InputError
        If none of the stacks that are tried can be read.
    ParameterError
        If the model tells no quality.
    """
    sample = _sample(particles)
    boxes = [images.shape[1] * pixel_size for images, pixel_size in sample]
    found = []
    for share in SHARES:
        qualities = [
            _quality(model, images, pixel_size, share * box)
            for (images, pixel_size), box in zip(sample, boxes, strict=True)
        ]
        found.append(float(np.mean(np.concatenate(qualities))))
    return SHARES[int(np.argmax(found))] * float(np.median(boxes))


def _sample(particles: ParticleFile) -> list[tuple[Float32[np.ndarray, "n h w"], float]]:
    """Images from all over a list, with their pixel sizes."""
    blocks = list(blocks_of(particles.stacks, SAMPLE // PLACES))
    found, errors = [], []
    for block in blocks[:: max(1, len(blocks) // PLACES)][:PLACES]:
        try:
            found.append((block.read(particles.path), block.pixel_size))
        except InputError as error:
            errors.append(error)
    if not found:
        raise errors[0]
    return found


def _quality(
    model: ParticleModel,
    images: Float32[np.ndarray, "n h w"],
    pixel_size: float,
    diameter: float,
) -> npt.NDArray[np.float64]:
    quality = model.predict(torch.from_numpy(images), pixel_size, diameter).quality
    if quality is None:
        raise ParameterError("expected a diameter for a model without qualities: give --diameter")
    return quality.numpy().astype(np.float64)
