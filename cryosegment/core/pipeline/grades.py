# SPDX-License-Identifier: GPL-3.0-or-later
"""Grades of micrographs: good, or what makes them useless."""

from __future__ import annotations

from cryosegment.core.images.working import WorkingImage
from cryosegment.exchange.pick_summary import CONTAMINATED, CRYSTALLINE, EMPTY, GOOD, NO_ICE

MOSTLY = 2 / 3
"""Contaminated share of the area that makes a micrograph useless: half a hole is worth having."""
SPOTTED = 0.25
"""Share of the area with the spots of crystalline ice that does."""
MOTTLED = 7.0
"""Mottling of crystalline ice; micrographs of vitreous ice have at most 4."""
UNEVEN = 1.2
"""Tails of crystalline mottling."""
DIRTY = 0.05
"""Contaminated share of the area where mottling is of crystals. Without the contrast transfer of a
defocused image, as with a phase plate or stain, particles alone look mottled."""
WHITE = 2.0
"""Structure below which there is noise alone: detectors have 1.2 without ice."""
FEW = 3
"""Likely particles on a micrograph that is hardly worth keeping."""
CHANCE = 20
"""Likely particles that are found in noise or in crystals alone."""
BAD = 0.5
"""Strength of a sign from which on it is the grade."""


def grade(working: WorkingImage, particles: int, contamination: float) -> tuple[str, float]:
    """Grade of a micrograph, and its quality.

    Each reason to leave it out has a strength in [0, 1]: x / (x + limit), so that it is 0.5 at
    the limit. The strongest is the grade if it is at least that; else the micrograph is good.
    Crystals go first, as they can be why there are no particles. The quality is one minus the
    strongest.

    Parameters
    ----------
    working
        The micrograph, with the texture of its ice.
    particles
        Number of likely particles.
    contamination
        Contaminated share of the area.
    """
    signs = {
        CRYSTALLINE: _crystalline(working, particles, contamination),
        **_emptiness(working, particles),
        CONTAMINATED: _strength(contamination, MOSTLY),
    }
    worst = max(signs, key=lambda name: signs[name])
    quality = 1 - signs[worst]
    if signs[CRYSTALLINE] >= BAD:
        return CRYSTALLINE, quality
    return worst if signs[worst] >= BAD else GOOD, quality


def _strength(value: float, limit: float) -> float:
    return value / (value + limit)


def _crystalline(working: WorkingImage, particles: int, contamination: float) -> float:
    """Spots in the power spectrum or, as large pixels cannot show them, all signs of mottling.

    Mottled ice with many likely particles is worth having, whatever makes it so.
    """
    spots = _strength(working.crystalline, SPOTTED)
    texture = working.texture
    if texture is None:
        return spots
    mottled = min(
        _strength(texture.mottling, MOTTLED),
        _strength(texture.tails, UNEVEN),
        _strength(contamination, DIRTY),
        _strength(CHANCE, particles + 1),
    )
    return max(spots, mottled)


def _emptiness(working: WorkingImage, particles: int) -> dict[str, float]:
    texture = working.texture
    if texture is not None and texture.structure < WHITE:
        return {NO_ICE: _strength(CHANCE, particles + 1)}
    return {EMPTY: _strength(FEW, particles + 1)}
