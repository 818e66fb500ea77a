# SPDX-License-Identifier: GPL-3.0-or-later
"""Agreement of refined particles with their map, at resolutions that did not align them.

What a pose was fitted to agrees with it, noise included; finer details were not fitted, and agree
only where the image shows the molecule in that orientation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Complex, Float, Float32, Int
from torch import Tensor

from cryosegment.core.images.resample import fourier_crop
from cryosegment.core.images.volume import coarsened, read_volume
from cryosegment.core.optics.ctf import Ctf
from cryosegment.core.optics.projection import Projector, rotation_matrices
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.particles import Poses

OCTAVE = 2.0
"""Details are compared down to a resolution so many times finer than that of the alignment."""
SOFT = 0.1
"""Width of the soft edge of the mask around a particle, in its diameters."""


@dataclass(frozen=True)
class Band:
    """Resolutions that are compared, Å.

    Parameters
    ----------
    coarsest, finest
        Both ends.
    """

    coarsest: float
    finest: float

    @classmethod
    def beyond(cls, aligned_to: float) -> Band:
        """The octave beyond the finest resolution that an alignment used, Å."""
        return cls(aligned_to, aligned_to / OCTAVE)


class Agreement:
    """Correlation of particle images with the projections of a map that their poses say.

    Parameters
    ----------
    volume
        The map, cubic, of even side, protein bright; on the device that does the work.
    voxel
        Its voxel size, Å.
    poses
        Of all particles of a list.
    diameter
        Of the particles, Å.
    band
        What is compared.

    Raises
    ------
    InputError
        If the map is not cubic or of odd side, or too coarse for the band.
    """

    def __init__(
        self,
        volume: Float[Tensor, "d h w"],
        voxel: float,
        poses: Poses,
        diameter: float,
        band: Band,
    ) -> None:
        if 2 * voxel >= band.coarsest:
            raise InputError(
                f"expected a map that is finer than {band.coarsest:g} Å, got one of {voxel:g} Å "
                "per voxel, half of its finest resolution: give an unbinned map"
            )
        self._projector, self._voxel = Projector(volume), voxel
        self._poses, self._diameter, self._band = poses, diameter, band
        self._device = volume.device

    def of(
        self, images: Float32[np.ndarray, "n s s"], pixel_size: float, rows: Int[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """Correlations in [-1, 1], around 0 by chance; NaN where a pose or CTF is not known.

        Parameters
        ----------
        images
            Particles bright.
        pixel_size
            Å/px.
        rows
            Their rows in the list.

        Raises
        ------
        InputError
            If the images are too coarse for the band.
        """
        if 2 * pixel_size >= self._band.coarsest:
            raise InputError(
                f"expected images that are finer than {self._band.coarsest:g} Å, got "
                f"{pixel_size:g} Å/px, half of their finest resolution: give unbinned particles"
            )
        facts = (self._poses.angles, self._poses.shifts_yx, self._poses.ctfs)
        is_known = np.isfinite(np.hstack([values[rows] for values in facts])).all(1)
        found = np.full(len(rows), np.nan)
        if is_known.any():
            chosen = torch.from_numpy(images[is_known]).to(self._device)
            found[is_known] = self._correlate(chosen, pixel_size, rows[is_known])
        return found

    def _correlate(
        self, images: Float[Tensor, "n s s"], pixel_size: float, rows: Int[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        grid = _Grid.of(images.shape[-1], pixel_size, self._band, self._voxel, self._device)
        shifts = torch.from_numpy(self._poses.shifts_yx[rows]).float().to(self._device)
        centers = (images.shape[-1] // 2 * pixel_size - shifts) / grid.pixel_size
        mask = self._mask(grid, centers)
        seen = self._project(grid, rows, centers)
        cropped = fourier_crop(images, grid.side, grid.side)
        one, other = (torch.fft.rfft2(planes * mask) for planes in (cropped, seen))
        return grid.correlation(one, other).double().cpu().numpy()

    def _project(
        self, grid: _Grid, rows: Int[np.ndarray, " n"], centers: Float[Tensor, "n 2"]
    ) -> Float[Tensor, "n h w"]:
        """What the poses say that the images show."""
        angles = torch.from_numpy(self._poses.angles[rows]).float().to(self._device)
        frequencies = torch.stack(torch.broadcast_tensors(grid.x, grid.y), -1) * self._voxel
        views = self._projector.transforms(rotation_matrices(angles), frequencies)
        ctfs = [Ctf(*values) for values in self._poses.ctfs[rows].tolist()]
        transfer = torch.stack([ctf.at_frequencies(grid.y, grid.x) for ctf in ctfs])
        away = centers * grid.pixel_size
        turns = away[:, :1, None] * grid.y + away[:, 1:, None] * grid.x
        moved = views * transfer * torch.polar(torch.ones_like(turns), -2 * math.pi * turns)
        return torch.fft.irfft2(moved, s=(grid.side, grid.side))

    def _mask(self, grid: _Grid, centers: Float[Tensor, "n 2"]) -> Float[Tensor, "n h w"]:
        """Soft discs around the particles."""
        axis = torch.arange(grid.side, device=self._device)
        away = torch.hypot(axis[:, None] - centers[:, :1, None], axis - centers[:, 1:, None])
        inside = 0.5 + SOFT - away * grid.pixel_size / self._diameter
        return (math.pi / 2 * (inside / SOFT).clamp(0, 1)).sin() ** 2


@dataclass(frozen=True)
class _Grid:
    """Pixels and frequencies at which images are compared.

    Attributes
    ----------
    side, pixel_size
        Of the images, px and Å/px, as coarse as the band allows.
    y, x
        Frequencies of `torch.fft.rfft2`, 1/Å.
    rings
        Frequencies as whole numbers of periods in the image.
    weights
        How often each counts; 0 outside of the band.
    """

    side: int
    pixel_size: float
    y: Float[Tensor, "h 1"]
    x: Float[Tensor, "1 f"]
    rings: Int[Tensor, "h f"]
    weights: Float[Tensor, "h f"]

    @classmethod
    def of(
        cls, side: int, pixel_size: float, band: Band, voxel: float, device: torch.device
    ) -> _Grid:
        """The grid for images of a side and pixel size, and a map of a voxel size."""
        width = side * pixel_size
        coarse = min(2 * math.ceil(width / band.finest), side)
        size = width / coarse
        y = torch.fft.fftfreq(coarse, size, device=device)[:, None]
        x = torch.fft.rfftfreq(coarse, size, device=device)[None]
        radius = torch.hypot(y, x)
        highest = min(1 / band.finest, 0.5 / size, 0.5 / voxel)
        weights = ((radius > 1 / band.coarsest) & (radius < highest)).float()
        weights[:, 1:] *= 2  # the other half of the transform is the conjugate of these
        return cls(coarse, size, y, x, (radius * width).round().long(), weights)

    def correlation(
        self, one: Complex[Tensor, "n h f"], other: Complex[Tensor, "n h f"]
    ) -> Float[Tensor, " n"]:
        """Correlations of transforms, each ring divided by the power that the first has there."""
        power = one.abs() ** 2
        rings = self.rings.flatten()
        empty = power.new_zeros(int(rings.max()) + 1)
        counts = empty.index_add(0, rings, torch.ones_like(self.weights).flatten())
        sums = empty.expand(len(power), -1).index_add(1, rings, power.flatten(1))
        noise = (sums / counts)[:, self.rings]
        weights = self.weights / noise.clamp(min=torch.finfo(noise.dtype).tiny)
        shared = (weights * (one * other.conj()).real).sum((1, 2))
        both = (weights * power).sum((1, 2)) * (weights * other.abs() ** 2).sum((1, 2))
        return (shared / both.sqrt()).nan_to_num(0.0)  # an empty image agrees with nothing


def agreements_with(
    path: PathLike, poses: Poses, diameter: float, band: Band, devices: Iterable[str]
) -> dict[str, Agreement]:
    """Agreement with the map of a file, on each of some torch devices.

    Raises
    ------
    InputError
        If the map cannot be read, is not cubic, or too coarse for the band.
    """
    volume, voxel = coarsened(*read_volume(Path(path)), band.finest)
    tensor = torch.from_numpy(volume)
    return {
        device: Agreement(tensor.to(device), voxel, poses, diameter, band) for device in devices
    }
