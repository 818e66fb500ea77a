# SPDX-License-Identifier: GPL-3.0-or-later
"""Refined particles of many micrographs."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Sequence, Tuple, Union

import numpy as np

from cryosegment.exchange.errors import InputError

UNCLASSIFIED = -1
WIDTHS = {"centers_yx": 2, "angles": 3, "shifts_yx": 2, "shapes": 2}
"""Columns of the fields that have several."""


@dataclass(frozen=True, eq=False)
class Particles:
    """Refined particles, one in each row; unknown values are NaN (shapes: 0).

    Parameters
    ----------
    micrographs
        Name of the micrograph of each particle.
    centers_yx
        Picked position of each, (n, 2), rows and columns in px of the micrograph.
    angles
        Rot, tilt, psi in degrees, (n, 3), RELION's convention.
    shifts_yx
        Origin offsets in Å, (n, 2), in RELION's sense: the refined centre is the picked one
        minus the shift.
    pixel_sizes
        Å/px of the particle images, (n,); not those of the micrographs.
    scores
        Score of each pose, (n,), higher is better; NaN where unknown.
    rows
        Number of each in its file, (n,), from 1.
    shapes
        Rows and columns of the micrograph according to the file, (n, 2); 1 if unknown and the
        coordinates are fractions of the sides of the micrograph.
    classes
        Number of the class of each, (n,), as the file counts them; `UNCLASSIFIED` where unknown or
        left out.
    micrograph_pixel_sizes
        Å/px of the micrograph of each, (n,), according to the file; NaN where unknown or left out.

    Raises
    ------
    InputError
        If the fields do not hold the same number of particles.
    """

    micrographs: Tuple[str, ...]
    centers_yx: np.ndarray
    angles: np.ndarray
    shifts_yx: np.ndarray
    pixel_sizes: np.ndarray
    scores: np.ndarray
    rows: np.ndarray
    shapes: np.ndarray
    classes: np.ndarray = field(default_factory=lambda: np.empty(0))
    micrograph_pixel_sizes: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        count = len(self.micrographs)
        for name, unknown in (("classes", UNCLASSIFIED), ("micrograph_pixel_sizes", np.nan)):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(count, unknown))
        for name in _ARRAYS:
            kind = np.int64 if name in ("rows", "shapes", "classes") else np.float64
            values = np.array(getattr(self, name), dtype=kind)
            expected = (count, WIDTHS[name]) if name in WIDTHS else (count,)
            if values.shape != expected:
                raise InputError(
                    f"expected {name} of {count} particles as {expected}, got {values.shape}"
                )
            object.__setattr__(self, name, values)

    def __len__(self) -> int:
        return len(self.micrographs)

    def select(self, index: Union[np.ndarray, Sequence[int]]) -> Particles:
        """Particles by a boolean mask, (n,), or by indices, in their order."""
        chosen = np.asarray(index)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.intp)
        arrays = {name: getattr(self, name)[chosen] for name in _ARRAYS}
        return Particles(tuple(self.micrographs[i] for i in chosen), **arrays)

    def renamed(self, micrograph: str) -> Particles:
        """The same particles, all on one micrograph."""
        return replace(self, micrographs=(micrograph,) * len(self))

    def scaled(self, factors_yx: np.ndarray) -> Particles:
        """The same particles on micrographs with `factors_yx`, (2,) or (n, 2), times the pixels."""
        return replace(self, centers_yx=self.centers_yx * factors_yx)

    def flipped(self, height: int) -> Particles:
        """The same particles with y counted from the last of `height` rows, or back.

        Mirrored images show the particles from behind: shifts and angles change with them.
        """
        centers_yx, shifts_yx = self.centers_yx.copy(), self.shifts_yx.copy()
        centers_yx[:, 0] = height - 1 - centers_yx[:, 0]
        shifts_yx[:, 0] *= -1
        rot, tilt, psi = self.angles.T
        angles = np.stack((rot + 180, 180 - tilt, -psi), axis=1)
        return replace(self, centers_yx=centers_yx, shifts_yx=shifts_yx, angles=angles)

    def refined_centers_yx(self, pixel_size: float) -> np.ndarray:
        """Centres after the shifts, (n, 2), px of micrographs with `pixel_size` Å/px."""
        return self.centers_yx - self.shifts_yx / pixel_size


_ARRAYS = tuple(field.name for field in fields(Particles) if field.name != "micrographs")


@dataclass(frozen=True, eq=False)
class ParticleImages:
    """Refined particles and their images, one a row.

    Parameters
    ----------
    particles
        Poses; the coordinates on micrographs are NaN where the file has none.
    names
        Image of each: its number in the stack, from 1, and the stack, as in `000001@stack.mrcs`.
    box_sizes
        Side of each image, (n,), px; 0 where the file does not say.

    Raises
    ------
    InputError
        If the fields do not hold the same number of particles.
    """

    particles: Particles
    names: Tuple[str, ...]
    box_sizes: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.particles)
        sizes = np.array(self.box_sizes, dtype=np.int64)
        if len(self.names) != count or sizes.shape != (count,):
            raise InputError(
                f"expected an image and a box size for each of {count} particles, got "
                f"{len(self.names)} and {sizes.shape}"
            )
        object.__setattr__(self, "box_sizes", sizes)

    def __len__(self) -> int:
        return len(self.names)

    def select(self, index: Union[np.ndarray, Sequence[int]]) -> ParticleImages:
        """Particles by a boolean mask, (n,), or by indices, in their order."""
        chosen = np.asarray(index)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.intp)
        names = tuple(self.names[i] for i in chosen)
        return ParticleImages(self.particles.select(chosen), names, self.box_sizes[chosen])

    def stack(self, row: int) -> str:
        """The stack that holds the image of a row."""
        return self.names[row].rsplit("@", 1)[-1]
