# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a micrograph, and signs that it or a parameter of its picking is not right."""

from __future__ import annotations

import numpy as np

from cryosegment.core.images.contrast import detect_contrast
from cryosegment.core.picking import longest_dimension
from cryosegment.core.pipeline.grades import grade
from cryosegment.core.pipeline.picks import Picks
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.pick_summary import (
    OTHER_CONTRAST,
    OTHER_DIAMETER,
    MicrographSummary,
)
from cryosegment.exchange.settings import PickSettings

LIKELY = 0.5
"""Score above which a candidate is more likely a particle than not."""
ENOUGH = 10
"""Smallest number of likely particles for a check of their diameter."""
NORMAL = (0.7, 1.38)
"""Accepted range of the longest dimension that masks say, relative to the given diameter. On the
simulations of docs/benchmarks/picking.md, masks say 0.74 to 1.36 where the given diameter is from
0.8 to 1.25 of the true one."""
REACH = 1.5
"""That dimension is at most this many times the median distance to the nearest particle, on crowded
micrographs, too; beyond, masks are those of several particles, or of parts of them."""


def summarise(picks: Picks, settings: PickSettings) -> MicrographSummary:
    """Figures and grade of a micrograph, and doubts about how it was picked.

    Parameters
    ----------
    picks
        Picks of the micrograph.
    settings
        How it was picked.
    """
    scores, chosen = picks.candidates.scores, picks.chosen
    contaminated = picks.contaminated & picks.maps.valid
    share = float(contaminated.sum()) / max(int(picks.maps.valid.sum()), 1)
    likely = picks.candidates.select(scores >= LIKELY)
    name, quality = grade(picks.working, len(likely), share)
    return MicrographSummary(
        micrograph=picks.candidates.name,
        pixel_size=chosen.pixel_size,
        shape=(int(picks.working.micrograph_shape[0]), int(picks.working.micrograph_shape[1])),
        picks=len(chosen),
        expected=float(scores.sum()) if settings.calibration else float("nan"),
        mean_score=float(chosen.scores.mean()) if len(chosen) else float("nan"),
        contamination=share,
        grade=name,
        quality=quality,
        doubts=_doubts(picks, likely, settings),
    )


def _doubts(picks: Picks, likely: Coordinates, settings: PickSettings) -> tuple[str, ...]:
    found = {
        OTHER_DIAMETER: settings.draws_outlines and not has_diameter(likely, settings.diameter),
        OTHER_CONTRAST: not _has_contrast(picks, settings),
    }
    return tuple(name for name, is_true in found.items() if is_true)


def has_diameter(likely: Coordinates, diameter: float) -> bool:
    """Whether masks have about the diameter of the particles; True if there are too few masks.

    Parameters
    ----------
    likely
        Candidates that are more likely particles than not, with the long axes of their masks.
    diameter
        Particle diameter, Å.
    """
    likely = likely.select(np.isfinite(likely.long_axes))
    if len(likely) < ENOUGH:
        return True
    longest = longest_dimension(likely.long_axes)
    away = float(np.median(likely.with_isolations().isolations))
    return NORMAL[0] <= longest / diameter <= NORMAL[1] and longest <= REACH * away


def _has_contrast(picks: Picks, settings: PickSettings) -> bool:
    """Whether particles look as the network wants them; taken for granted if found out."""
    working = picks.working
    if settings.finds_contrast:
        return True
    diameter_px = working.in_pixels(settings.diameter)
    return detect_contrast(working.image, diameter_px, working.valid) == settings.input.contrast
