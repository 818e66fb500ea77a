# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of particle images by a model, and the diameter that fits them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float32

from cryosegment.core.particles.blocks import blocks_of
from cryosegment.core.particles.model import ParticleModel
from cryosegment.core.particles.scores import score_particles
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.particles import ParticleFile
from cryosegment.exchange.particles.scores import QUALITY

BATCH = 64
"""Images that a network sees at once: more are no faster on a CPU."""
SAMPLE = 192
"""Images by which the diameter is estimated, from all over the list."""
PLACES = 8
"""In how many places of the list."""
SHARES = (0.4, 0.5, 0.6, 0.7, 0.8)
"""Diameters that are tried, as shares of the box: programs advise boxes of 1.5 diameters."""


@dataclass(frozen=True)
class ImageScorer:
    """All scores of images of particles of one diameter.

    Parameters
    ----------
    model
        Model of particle images.
    diameter
        Å.
    """

    model: ParticleModel
    diameter: float

    def __call__(
        self, images: Float32[np.ndarray, "n h w"], pixel_size: float
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Scores by name, (n,) each, of images with bright particles and a pixel size in Å/px."""
        parts = [
            self._scores(torch.from_numpy(images[first : first + BATCH]), pixel_size)
            for first in range(0, len(images), BATCH)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _scores(self, images: torch.Tensor, pixel_size: float) -> dict[str, npt.NDArray[Any]]:
        maps = self.model.predict(images, pixel_size, self.diameter)
        found = dataclasses.asdict(score_particles(maps, self.diameter))
        unknown = np.full(len(images), np.nan)
        found[QUALITY] = unknown if maps.quality is None else maps.quality.numpy()
        return found


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
