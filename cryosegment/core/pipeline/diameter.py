# SPDX-License-Identifier: GPL-3.0-or-later
"""The particle diameter where it is not known: from picking at a ladder of assumed diameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.images.working import FEWEST_DIAMETERS, MIN_DIAMETER_PX
from cryosegment.core.models.model import Model
from cryosegment.core.picking import longest_dimension
from cryosegment.core.pipeline.doubts import ENOUGH, LIKELY
from cryosegment.core.pipeline.micrograph import pick_micrograph
from cryosegment.exchange.diameter_estimate import DiameterEstimate
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import NO_CRF, PickParams

LADDER = tuple(60.0 * 1.25**rung for rung in range(11))
"""Diameters that are assumed one after the other, Å."""
SIDE = 50
"""Of the square in the middle of a micrograph that is picked at most, in assumed diameters."""
SHARE = 0.5
"""Rungs with fewer particles per area than this share of the most are not looked at."""
ERROR = 0.1
"""Root mean square error of the estimates on simulated micrographs, as a share of the diameter."""


@dataclass(frozen=True)
class Rung:
    """Long axes of the masks of likely particles at an assumed diameter.

    Parameters
    ----------
    assumed
        Diameter, Å.
    long_axes
        Å.
    area
        What was looked at, Å².
    """

    assumed: float
    long_axes: Float[np.ndarray, " n"]
    area: float

    @property
    def density(self) -> float:
        """Particles per Å²."""
        return len(self.long_axes) / self.area

    @property
    def says(self) -> float:
        """Diameter that the masks say, Å."""
        return longest_dimension(self.long_axes)

    def __add__(self, other: Rung) -> Rung:
        axes = np.concatenate((self.long_axes, other.long_axes))
        return Rung(self.assumed, axes, self.area + other.area)


def estimate_diameter(micrographs: Sequence[Sequence[Rung]]) -> DiameterEstimate:
    """The diameter at which masks have the size that was assumed.

    Parameters
    ----------
    micrographs
        For each, its rungs from `climb`.

    Raises
    ------
    InputError
        If there are too few particles at every assumed diameter.
    """
    together = list(micrographs[0])
    for rungs in micrographs[1:]:
        known = {rung.assumed: rung for rung in rungs}
        together = [rung + known[rung.assumed] for rung in together if rung.assumed in known]
    found = _crossing(together)
    if found is None:
        raise InputError(
            f"expected at least {ENOUGH} particles at some diameter from {LADDER[0]:.0f} to "
            f"{LADDER[-1]:.0f} Å, found fewer: give more micrographs, or measure by eye"
        )
    alone = [each for each in map(_crossing, micrographs) if each is not None]
    spread = [found.diameter, *(each.diameter for each in alone), found.low, found.high]
    return DiameterEstimate(found.diameter, min(spread) / (1 + ERROR), max(spread) * (1 + ERROR))


def climb(micrograph: Micrograph, model: Model) -> Iterator[Rung]:
    """Pick a micrograph at every assumed diameter that fits it.

    Parameters
    ----------
    micrograph
        As read.
    model
        Network and card.
    """
    shortest = min(micrograph.image.shape) * micrograph.pixel_size
    for assumed in LADDER:
        if MIN_DIAMETER_PX * micrograph.pixel_size <= assumed <= shortest / FEWEST_DIAMETERS:
            yield _rung(_middle(micrograph, SIDE * assumed), model, assumed)


def _rung(micrograph: Micrograph, model: Model, assumed: float) -> Rung:
    likely = PickParams(
        diameter=assumed, crf=NO_CRF, threshold=str(LIKELY), min_diameter="0", max_diameter="0"
    )
    axes = pick_micrograph(micrograph, model, likely).chosen.long_axes
    area = micrograph.image.numel() * micrograph.pixel_size**2
    return Rung(assumed, axes[np.isfinite(axes)], area)


def _middle(micrograph: Micrograph, side: float) -> Micrograph:
    """The square in the middle with a side in Å, or what there is of it."""
    pixels = round(side / micrograph.pixel_size)
    rows, columns = (
        slice(max(0, (length - pixels) // 2), max(0, (length - pixels) // 2) + pixels)
        for length in micrograph.image.shape
    )
    return replace(micrograph, image=micrograph.image[rows, columns])


def _crossing(rungs: Sequence[Rung]) -> DiameterEstimate | None:
    """Where the assumed diameter outgrows what masks say, and what they say on both sides."""
    rungs = [rung for rung in rungs if len(rung.long_axes) >= ENOUGH]
    most = max((rung.density for rung in rungs), default=0.0)
    rungs = [rung for rung in rungs if rung.density >= SHARE * most]
    if not rungs:
        return None
    above = np.log([rung.says / rung.assumed for rung in rungs])
    falls = np.flatnonzero((above[:-1] >= 0) & (above[1:] < 0))
    if len(falls) == 0:
        near = rungs[-1:] if above[-1] >= 0 else rungs[:1]
        diameter = near[0].says
    else:
        first = int(falls[0])  # further ones are where neighbours have one mask
        near = rungs[first : first + 2]
        part = above[first] / (above[first] - above[first + 1])
        diameter = near[0].assumed * (near[1].assumed / near[0].assumed) ** part
    says = [rung.says for rung in near]
    return DiameterEstimate(float(diameter), min(says), max(says))
