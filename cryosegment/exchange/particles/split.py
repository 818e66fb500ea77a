# SPDX-License-Identifier: GPL-3.0-or-later
"""Refined particles by micrograph."""

from __future__ import annotations

from collections import defaultdict
from typing import Dict, List, Optional, Sequence, Tuple

from cryosegment.exchange.names import match_names
from cryosegment.exchange.particles.record import Particles


def split_by_micrograph(
    particles: Particles, names: Sequence[str], stems: Optional[Sequence[str]] = None
) -> Tuple[Dict[str, Particles], Particles]:
    """Particles of each micrograph that has any, and those on other micrographs.

    Parameters
    ----------
    particles
        Of any micrographs.
    names, stems
        As `match_names` takes them; the particles get these names.
    """
    found = match_names(set(particles.micrographs), names, stems)
    members: Dict[str, List[int]] = defaultdict(list)
    elsewhere = []
    for i, text in enumerate(particles.micrographs):
        members[found[text]].append(i) if text in found else elsewhere.append(i)
    own = {name: particles.select(rows).renamed(name) for name, rows in members.items()}
    return own, particles.select(elsewhere)
