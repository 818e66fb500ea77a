# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle centres of one micrograph."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.suppression import nearest_distances

ArrayLike = Union[np.ndarray, Sequence[float], Sequence[Sequence[float]]]


OPTIONAL = (
    *("scores", "diameters", "short_diameters", "angles"),
    *("contamination", "long_axes", "short_axes", "axis_angles", "isolations"),
    "filaments",
)
"""Fields that are NaN if left out."""
SURE = 1.0
"""Rank of particles without a score: before all others."""


def _absent() -> np.ndarray:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Particle centres of one micrograph.

    Parameters
    ----------
    centers_yx
        Centres, (n, 2), rows and columns in px.
    pixel_size
        Pixel size in Å/px.
    name
        Name of the micrograph: its file name without folder and suffixes.
    scores
        Score of each particle, (n,); NaN where unknown or left out.
    diameters
        Diameter of each particle in Å, (n,), of elongated ones the longest; NaN where unknown or
        left out.
    short_diameters
        Short diameter of elongated particles in Å, (n,); NaN where unknown or left out.
    angles
        In-plane angle of each particle in degrees, (n,), as RELION's psi: 0 is along the rows,
        positive angles rotate towards the first row; NaN where unknown or left out.
    contamination
        Contaminated share of the disc around each centre, (n,), in [0, 1]; NaN where unknown or
        left out.
    long_axes, short_axes
        Axes of the ellipse with the moments of each particle's mask in Å, (n,); NaN where unknown
        or left out.
    axis_angles
        Angle of the long axis in degrees, (n,), from the rows towards the first row; NaN where
        unknown or left out.
    isolations
        Distance of each particle to the nearest other in Å, (n,); NaN where unknown or left out.
    filaments
        1 where a particle lies on a filament, else 0, (n,); NaN where unknown or left out.
    rows
        Number of each particle in its file, (n,), from 1.
    file
        The file; None for particles that come from none.

    Raises
    ------
    InputError
        If the arrays do not fit, a centre or score is infinite, a centre is NaN, or the pixel
        size is not positive.

    Examples
    --------
    >>> picks = Coordinates([[10.0, 20.0], [30.0, 40.0]], 1.5, "image", scores=[0.9, 0.2])
    >>> picks.select(picks.scores > 0.5).at_pixel_size(3.0)
    Coordinates(image: 1 at 3 Å/px)
    """

    centers_yx: np.ndarray
    pixel_size: float
    name: str
    scores: np.ndarray = field(default_factory=_absent)
    diameters: np.ndarray = field(default_factory=_absent)
    short_diameters: np.ndarray = field(default_factory=_absent)
    angles: np.ndarray = field(default_factory=_absent)
    contamination: np.ndarray = field(default_factory=_absent)
    long_axes: np.ndarray = field(default_factory=_absent)
    short_axes: np.ndarray = field(default_factory=_absent)
    axis_angles: np.ndarray = field(default_factory=_absent)
    isolations: np.ndarray = field(default_factory=_absent)
    filaments: np.ndarray = field(default_factory=_absent)
    rows: np.ndarray = field(default_factory=_absent)
    file: Optional[Path] = None

    def __post_init__(self) -> None:
        centers_yx = np.array(self.centers_yx, dtype=np.float64).reshape(-1, 2)
        count = len(centers_yx)
        object.__setattr__(self, "centers_yx", centers_yx)
        for name in OPTIONAL:
            values = np.array(getattr(self, name), dtype=np.float64).reshape(-1)
            object.__setattr__(self, name, values if len(values) else np.full(count, np.nan))
        rows = np.array(self.rows, dtype=np.int64).reshape(-1)
        object.__setattr__(self, "rows", rows if len(rows) else np.arange(1, count + 1))
        self._check()

    def _check(self) -> None:
        count = len(self.centers_yx)
        for name in (*OPTIONAL, "rows"):
            if len(getattr(self, name)) != count:
                raise InputError(
                    f"{self.name}: expected {name.replace('_', ' ')} of {count} centres, got "
                    f"{len(getattr(self, name))}"
                )
        if not np.isfinite(self.centers_yx).all() or np.isinf(self.scores).any():
            raise InputError(f"{self.name}: a coordinate or score is not a number: remove the row")
        if not (np.isfinite(self.pixel_size) and self.pixel_size > 0):
            raise InputError(
                f"{self.name}: expected a pixel size above 0 Å/px, got {self.pixel_size}"
            )

    def __repr__(self) -> str:
        return f"Coordinates({self.name}: {len(self)} at {self.pixel_size:.4g} Å/px)"

    def __len__(self) -> int:
        return len(self.centers_yx)

    @property
    def ranking(self) -> np.ndarray:
        """Values that rank the particles, (n,): their scores, or `SURE` if these are unknown."""
        return np.where(np.isnan(self.scores), SURE, self.scores)

    def at_pixel_size(self, pixel_size: float) -> Coordinates:
        """The same centres in the pixels of an image of another `pixel_size` (Å/px).

        Both images are taken to have one origin, the centre of the first pixel, as Fourier
        cropping leaves it.
        """
        factor = self.pixel_size / pixel_size
        return replace(self, centers_yx=self.centers_yx * factor, pixel_size=pixel_size)

    def select(self, index: ArrayLike) -> Coordinates:
        """Particles by a boolean mask, (n,), or by indices, in their order."""
        chosen = np.asarray(index)
        if chosen.dtype != bool:
            chosen = chosen.astype(np.intp)
        names = ("centers_yx", *OPTIONAL, "rows")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    def flipped(self, height: int) -> Coordinates:
        """The same particles with y counted from the last of `height` rows, or back."""
        centers_yx = self.centers_yx.copy()
        centers_yx[:, 0] = height - 1 - centers_yx[:, 0]
        turned = {name: 0.0 - getattr(self, name) for name in ("angles", "axis_angles")}
        return replace(self, centers_yx=centers_yx, **turned)

    def with_isolations(self) -> Coordinates:
        """The same particles with the distance of each to the nearest other of them."""
        distances = nearest_distances(self.centers_yx) * self.pixel_size
        return replace(self, isolations=distances)

    def renamed(self, name: str) -> Coordinates:
        """The same particles under another micrograph name."""
        return replace(self, name=name)


@dataclass(frozen=True)
class Picked:
    """The picks of a micrograph, with its files and shape, which some formats need.

    Parameters
    ----------
    coordinates
        The picks.
    micrograph
        File of the micrograph.
    shape
        Its rows and columns.
    file
        STAR file of the picks.
    """

    coordinates: Coordinates
    micrograph: PathLike
    shape: Tuple[int, int]
    file: PathLike
