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
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.particles import ParticleFile
from cryosegment.exchange.particles.scores import QUALITY

BATCH = 64
"""Images that a network sees at once: more are no faster on a CPU."""
SAMPLE = 192
"""Images by which the diameter is estimated, from all over the list."""
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
        The list; the first images that can be read decide where some cannot.
    """
    blocks = list(blocks_of(particles.stacks, SAMPLE // 8))
    blocks = blocks[:: max(1, len(blocks) // 8)][:8]
    images = [(block.read(particles.path), block.pixel_size) for block in blocks]
    boxes = [stack.shape[1] * pixel_size for stack, pixel_size in images]
    found = []
    for share in SHARES:
        parts = zip(images, boxes, strict=True)
        qualities = [_quality(model, *part, share * box) for part, box in parts]
        found.append(float(np.mean(np.concatenate(qualities))))
    return SHARES[int(np.argmax(found))] * float(np.median(boxes))


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
