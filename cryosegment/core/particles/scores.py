# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of particle images: the quality, and others from the classes of their pixels.

Notes
-----
The edge-to-signal ratio (ETS) is particleSeg's. By itself it does not tell how good an image is: a
faint speck has much edge, and one that fills the box little. The others say what is where: a body
is a connected area of signal, 8 neighbours to a pixel, and the particle is the body that is
nearest to the middle.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Float32, Int, UInt8
from torch import Tensor

from cryosegment.core.particles.agreement import Agreement
from cryosegment.core.particles.classes import EDGE, SIGNAL
from cryosegment.core.particles.model import ParticleMaps, ParticleModel
from cryosegment.exchange.particles.scores import AGREEMENT, QUALITY

BATCH = 64
"""Images that a network sees at once: more are no faster on a CPU."""
SMALLEST = 0.02
"""Bodies below this share of the area of a disc of the particle's diameter are specks."""


@dataclass(frozen=True)
class ParticleScores:
    """Scores of some images, each `(n,)`.

    Parameters
    ----------
    ets
        Pixels of edge over pixels of signal; 0 where either is missing.
    signal_fraction
        Share of the pixels that are signal.
    centring
        Distance of the particle's centre of mass from the middle of the image, Å; where there is
        no particle, that of the middle from a corner.
    compactness
        Area of the particle over that of its convex hull; 0 where there is no particle.
    margin
        By how much the probability of the most likely class exceeds that of the next, on average
        over the pixels of signal and edge; 0 where there are none.
    neighbours
        Number of bodies besides the particle.
    """

    ets: Float[np.ndarray, " n"]
    signal_fraction: Float[np.ndarray, " n"]
    centring: Float[np.ndarray, " n"]
    compactness: Float[np.ndarray, " n"]
    margin: Float[np.ndarray, " n"]
    neighbours: Int[np.ndarray, " n"]


@dataclass(frozen=True)
class ImageScorer:
    """All scores of images of particles of one diameter.

    Parameters
    ----------
    model
        Model of particle images.
    diameter
        Å.
    agreement
        With a map; None without one.
    """

    model: ParticleModel
    diameter: float
    agreement: Agreement | None = None

    def __call__(
        self,
        images: Float32[np.ndarray, "n h w"],
        pixel_size: float,
        rows: Int[np.ndarray, " n"],
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Scores by name, (n,) each.

        Parameters
        ----------
        images
            Particles bright.
        pixel_size
            Å/px.
        rows
            Their rows in the list of particles.
        """
        some = [slice(first, first + BATCH) for first in range(0, len(images), BATCH)]
        parts = [self._scores(images[part], pixel_size, rows[part]) for part in some]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _scores(
        self, images: Float32[np.ndarray, "n h w"], pixel_size: float, rows: Int[np.ndarray, " n"]
    ) -> dict[str, npt.NDArray[Any]]:
        maps = self.model.predict(torch.from_numpy(images), pixel_size, self.diameter)
        found = dataclasses.asdict(score_particles(maps, self.diameter))
        unknown = np.full(len(images), np.nan)
        found[QUALITY] = unknown if maps.quality is None else maps.quality.numpy()
        found[AGREEMENT] = unknown
        if self.agreement is not None:
            found[AGREEMENT] = self.agreement.of(images, pixel_size, rows)
        return found


def score_particles(maps: ParticleMaps, diameter: float) -> ParticleScores:
    """Scores of the images whose maps these are.

    Parameters
    ----------
    maps
        Of a model.
    diameter
        Particle diameter, Å.
    """
    classes = maps.probabilities.argmax(1)
    smallest = SMALLEST * np.pi / 4 * (diameter / maps.pixel_size) ** 2
    signal = (classes == SIGNAL).to(torch.uint8).numpy()
    bodies = [_score_bodies(plane, smallest) for plane in signal]
    away, compactness, neighbours = np.array(bodies, np.float64).reshape(-1, 3).T
    return ParticleScores(
        edge_to_signal(classes).numpy(),
        signal.mean((1, 2), dtype=np.float64),
        away * maps.pixel_size,
        compactness,
        _margin(maps.probabilities, classes).numpy(),
        neighbours.astype(np.int64),
    )


def edge_to_signal(classes: Int[Tensor, "n h w"]) -> Float[Tensor, " n"]:
    """Pixels of edge over pixels of signal of each image; 0 where either is missing."""
    edge, signal = ((classes == kind).sum((1, 2)).double() for kind in (EDGE, SIGNAL))
    return torch.where(signal > 0, edge / signal.clamp(min=1), 0.0)


def _margin(
    probabilities: Float[Tensor, "n 3 h w"], classes: Int[Tensor, "n h w"]
) -> Float[Tensor, " n"]:
    """Mean lead of the most likely class where that is signal or edge."""
    first, second = probabilities.topk(2, dim=1).values.unbind(1)
    counted = (classes == SIGNAL) | (classes == EDGE)
    lead = ((first - second) * counted).sum((1, 2)).double()
    return lead / counted.sum((1, 2)).clamp(min=1)


def _score_bodies(signal: UInt8[np.ndarray, "h w"], smallest: float) -> tuple[float, float, int]:
    """Distance of the particle from the middle in px, its compactness, and number of others."""
    height, width = signal.shape
    middle = np.array([width // 2, height // 2])
    count, labels, areas, centers = cv2.connectedComponentsWithStats(signal, connectivity=8)
    large = [k for k in range(1, count) if areas[k, cv2.CC_STAT_AREA] >= smallest]
    if not large:
        return float(np.hypot(*middle)), 0.0, 0
    away = np.hypot(*(centers[large] - middle).T)
    nearest = int(np.argmin(away))
    body = labels == large[nearest]
    return float(away[nearest]), _solidity(body), len(large) - 1


def _solidity(body: np.ndarray) -> float:
    """Area of a body over that of its convex hull, both of whole pixels."""
    hull = np.zeros(body.shape, np.uint8)
    points = np.argwhere(body)[:, ::-1].astype(np.int32)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    return float(body.sum() / max(hull.sum(), body.sum()))
