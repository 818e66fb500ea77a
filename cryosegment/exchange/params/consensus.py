# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `consensus`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import (
    DIAMETER_HELP,
    PATH,
    PIXEL_SIZE_HELP,
    REQUIRED,
    RESUME_HELP,
    SET_NAMES_HELP,
    Params,
    param,
)

MAJORITY, ALL = "majority", "all"
"""Numbers of votes that depend on how many sets there are."""
NEAR = 0.25
"""Radius where none is given, in diameters: as far as a pick may be from its particle in
`evaluate`."""


@dataclass(frozen=True)
class ConsensusParams(Params):
    """Which picks of several sets are of one particle, and how many make it a pick."""

    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: float = param(REQUIRED, PIXEL_SIZE_HELP, "Å/px", minimum=0.01)
    votes: str = param(
        MAJORITY,
        "sets that must have a particle: a number, majority (more than half of the sets) or all; 1 "
        "gives the particles of any set",
        metavar="N",
    )
    radius: Optional[float] = param(
        None,
        "largest distance between any two picks of one particle; if left out, a quarter of the "
        "diameter",
        "Å",
        minimum=0.01,
    )
    without: Tuple[str, ...] = param(
        (),
        "picks to take away: what is within the radius of one in this file or folder is left out; "
        "may be given several times",
        **PATH,
    )
    names: Tuple[str, ...] = param((), SET_NAMES_HELP, is_free=True)
    resume: bool = param(False, RESUME_HELP, is_free=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        text = self.votes.strip()
        is_number = text.isdecimal() and int(text) > 0
        if not is_number and text not in (MAJORITY, ALL):
            raise ParameterError(
                f"expected votes to be a number from 1, {MAJORITY} or {ALL}, got {self.votes!r}"
            )

    @property
    def reach(self) -> float:
        """The radius, Å."""
        return NEAR * self.diameter if self.radius is None else self.radius

    def votes_of(self, sets: int) -> int:
        """How many of a number of sets must have a particle.

        Raises
        ------
        ParameterError
            If more than there are.
        """
        text = self.votes.strip()
        needed = {MAJORITY: sets // 2 + 1, ALL: sets}.get(text) or int(text)
        if needed > sets:
            raise ParameterError(
                f"expected votes to be at most {sets}, the number of sets, got {needed}"
            )
        return needed
