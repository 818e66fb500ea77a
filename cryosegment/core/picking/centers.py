# SPDX-License-Identifier: GPL-3.0-or-later
"""Candidate centres: peaks of the centre heat map on which the offset votes agree."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from cryosegment.core.picking.votes import vote_map
from cryosegment.exchange.settings import MOST
from cryosegment.exchange.suppression import suppress_neighbors

CONTAMINATED = 0.5
"""Pixels of a higher probability of contamination count as contaminated."""
PLACE_REACH = 0.15
"""The evidence at a place is the highest this far around, in particle diameters."""
PEAK_REACH = 0.1
"""A peak is the highest pixel this far around, in particle diameters (at least 1 px)."""


@dataclass(frozen=True)
class ParticleMaps:
    """What anything that segments says of one image; probabilities in [0, 1].

    Parameters
    ----------
    particle, contamination
        Probability that a pixel belongs to one.
    valid
        False on dead borders: such pixels do not vote, count or hold a centre.
    """

    particle: Float[Tensor, "h w"]
    contamination: Float[Tensor, "h w"]
    valid: Bool[Tensor, "h w"]


@dataclass(frozen=True)
class PickingMaps(ParticleMaps):
    """What a picking network says of one image.

    Parameters
    ----------
    unrefined
        Probability of a particle before any CRF, by which candidates are found and scored: a CRF
        smooths masks, and what is faint goes with the noise.
    center
        Heat map, 1 on the centre of a particle.
    offsets
        (centre - pixel) / radius, (y, x), where there is a particle.
    """

    unrefined: Float[Tensor, "h w"]
    center: Float[Tensor, "h w"]
    offsets: Float[Tensor, "2 h w"]


@dataclass(frozen=True)
class Candidates:
    """Possible particles, best first.

    Parameters
    ----------
    centers_yx
        px.
    scores
        In [0, 1].
    """

    centers_yx: Float[Tensor, "n 2"]
    scores: Float[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.scores)


def find_candidates(
    maps: PickingMaps,
    diameter_px: float,
    min_distance: float = 0.5,
    floor: float = 0.05,
    edge_px: float = 0.0,
) -> Candidates:
    """Candidates of an image, best first, on the device of its maps.

    Parameters
    ----------
    min_distance
        Of candidates nearer than this to a stronger one, in particle diameters, none stays.
    floor
        Candidates with a lower score are left out.
    edge_px
        Centres nearer than this to the border of the image or to invalid pixels are left out.

    Notes
    -----
    A peak is one of sqrt(heat x votes). The geometric mean asks both to agree and, unlike the
    product, stays on the scale of a probability. The score is the geometric mean of heat, votes
    and the mean particle probability over the disc. What a disc lacks beyond the border or on
    invalid pixels counts as no particle: a particle that is cut there scores lower.
    """
    evidence = _evidence(maps, diameter_px)
    lowest = floor**1.5  # no peak below this can score `floor`: two of three factors
    allowed = maps.valid & away_from_edge(maps.valid, edge_px)
    peaks = _local_maxima(evidence, max(1, round(PEAK_REACH * diameter_px)), lowest, allowed)
    centers = peaks + _subpixel_shifts(evidence, peaks)
    strength = evidence[peaks[:, 0], peaks[:, 1]]
    kept = suppress_neighbors(
        centers.cpu().numpy(), strength.cpu().numpy(), min_distance * diameter_px
    )
    rows = torch.from_numpy(kept).to(peaks.device)
    scores = _scores(maps, evidence, peaks[rows], diameter_px)
    order = torch.argsort(scores, descending=True, stable=True)
    order = order[scores[order] >= floor]
    return Candidates(centers[rows][order], scores[order])


def score_places(
    maps: PickingMaps, centers_yx: Float[Tensor, "n 2"], diameter_px: float
) -> Float[Tensor, " n"]:
    """Scores, in [0, 1], of candidates within a few pixels of places, less where it is dirty.

    One minus the mean contamination of the disc is another factor.

    Parameters
    ----------
    maps
        Of an image.
    centers_yx
        px; those outside the image get the score of the nearest pixel.
    diameter_px
        Particle diameter, px.
    """
    evidence = _evidence(maps, diameter_px)
    reach = max(1, round(PLACE_REACH * diameter_px))
    highest = functional.max_pool2d(evidence[None, None], 2 * reach + 1, 1, reach)[0, 0]
    limit = torch.tensor(evidence.shape, device=evidence.device) - 1
    pixels = torch.minimum(centers_yx.to(evidence.device).round().long().clamp(min=0), limit)
    dirt = disc_means(maps.contamination, maps.valid, pixels, diameter_px)
    return _scores(maps, highest, pixels, diameter_px) * (1 - dirt)


def _evidence(maps: PickingMaps, diameter_px: float) -> Float[Tensor, "h w"]:
    """Of a centre at each pixel: the geometric mean of heat and votes."""
    votes = vote_map(maps.offsets, maps.unrefined, maps.valid, diameter_px)
    return torch.sqrt(maps.center * votes)


def away_from_edge(valid: Bool[Tensor, "h w"], edge_px: float) -> Bool[Tensor, "h w"]:
    """Pixels that are at least `edge_px` from the border and from invalid pixels."""
    if edge_px <= 0:
        return torch.ones_like(valid)
    padded = functional.pad(valid.to(torch.uint8), (1, 1, 1, 1)).cpu().numpy()
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    # A pixel's distance to an invalid neighbour's centre is 1, to the edge between them 0.5.
    return torch.from_numpy(distance - 0.5 >= edge_px).to(valid.device)


def _local_maxima(
    image: Float[Tensor, "h w"], reach: int, lowest: float, allowed: Bool[Tensor, "h w"]
) -> Int[Tensor, "n 2"]:
    """Pixels (y, x) that are the highest within `reach` px along rows and columns."""
    size, plane = 2 * reach + 1, image[None, None]
    highest = functional.max_pool2d(plane, (size, 1), 1, (reach, 0))
    highest = functional.max_pool2d(highest, (1, size), 1, (0, reach))[0, 0]
    peaks = torch.nonzero((image >= highest) & (image > lowest) & allowed)
    return peaks[_rises(image, peaks)]


def _rises(image: Float[Tensor, "h w"], peaks: Int[Tensor, "n 2"]) -> Bool[Tensor, " n"]:
    """False where a pixel equals its row's and column's neighbours: a plain, not a peak."""
    low = torch.minimum(*_neighbors(image, peaks, 0))
    low = torch.minimum(low, torch.minimum(*_neighbors(image, peaks, 1)))
    return image[peaks[:, 0], peaks[:, 1]] > low


def _neighbors(
    image: Float[Tensor, "h w"], peaks: Int[Tensor, "n 2"], axis: int
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Values one pixel before and after along an axis; the pixel's own beyond the border."""
    step = torch.zeros(2, dtype=torch.long, device=peaks.device)
    step[axis] = 1
    before = (peaks - step).clamp(min=0)
    after = torch.minimum(peaks + step, peaks.new_tensor(image.shape) - 1)
    return image[before[:, 0], before[:, 1]], image[after[:, 0], after[:, 1]]


def _subpixel_shifts(
    image: Float[Tensor, "h w"], peaks: Int[Tensor, "n 2"]
) -> Float[Tensor, "n 2"]:
    """Shifts (y, x) to the top of a parabola through the logarithms: exact for a Gaussian."""
    middle = _log(image[peaks[:, 0], peaks[:, 1]])
    shifts = []
    for axis in (0, 1):
        before, after = (_log(value) for value in _neighbors(image, peaks, axis))
        bend = (2 * middle - before - after).clamp(min=1e-6)
        shifts.append(((after - before) / (2 * bend)).clamp(-0.5, 0.5))
    limit = peaks.new_tensor(image.shape) - 1
    inside = (peaks > 0) & (peaks < limit)
    return torch.where(inside, torch.stack(shifts, -1), 0.0)


def _log(values: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    return torch.log(values.clamp(min=1e-6))


def _scores(
    maps: PickingMaps,
    evidence: Float[Tensor, "h w"],
    peaks: Int[Tensor, "n 2"],
    diameter_px: float,
) -> Float[Tensor, " n"]:
    particle = disc_means(maps.unrefined, maps.valid, peaks, diameter_px)
    strength = evidence[peaks[:, 0], peaks[:, 1]]
    return (strength**2 * particle) ** (1 / 3)


def contaminated_shares(
    contaminated: Bool[Tensor, "h w"],
    valid: Bool[Tensor, "h w"],
    centers_yx: Float[Tensor, "n 2"],
    diameter_px: float,
) -> Float[Tensor, " n"]:
    """Shares of the discs around some centres that are contaminated."""
    return disc_means(contaminated.float(), valid, centers_yx.round().long(), diameter_px)


def without_contaminated(found: Candidates, maps: ParticleMaps, diameter_px: float) -> Candidates:
    """The candidates that picking keeps where the network sees contamination."""
    shares = contaminated_shares(
        maps.contamination > CONTAMINATED, maps.valid, found.centers_yx, diameter_px
    )
    kept = shares <= MOST
    return Candidates(found.centers_yx[kept], found.scores[kept])


def disc_means(
    plane: Float[Tensor, "h w"],
    valid: Bool[Tensor, "h w"],
    peaks: Int[Tensor, "n 2"],
    diameter_px: float,
) -> Float[Tensor, " n"]:
    """Means of a map over the discs around pixels (y, x).

    What a disc lacks beyond the border or on invalid pixels counts as 0.
    """
    y, x = _disc_pixels(diameter_px / 2, peaks)
    height, width = valid.shape
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    counted = (inside & valid[y, x]).to(plane.dtype)
    return (plane[y, x] * counted).mean(1)


def _disc_pixels(radius: float, peaks: Int[Tensor, "n 2"]) -> tuple[Tensor, Tensor]:
    """Rows and columns, both (n, pixels), of the discs around the peaks."""
    half = int(radius)
    steps = torch.arange(-half, half + 1, device=peaks.device)
    disc = torch.nonzero(steps[:, None] ** 2 + steps[None, :] ** 2 <= radius**2) - half
    pixels = peaks[:, None, :] + disc[None]
    return pixels[..., 0], pixels[..., 1]
