# SPDX-License-Identifier: GPL-3.0-or-later
"""Which micrograph a particle file means."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from cryosegment.exchange.particles.record import Particles

_UID = re.compile(r"^\d+_(?=.)")


def match_names(
    named: Iterable[str], names: Sequence[str], stems: Optional[Sequence[str]] = None
) -> Dict[str, str]:
    """Micrograph of each name that a particle file uses; those of none are left out.

    A name is looked for among the names, then among the files' names, then without the number
    that CryoSPARC sets before names (`<uid>_name`), if that is unambiguous.

    Parameters
    ----------
    named
        Names in the particle file.
    names
        Names of the micrographs.
    stems
        Names of their files, in the same order; left out where they are the same.
    """
    found = {}
    exact = dict(zip(stems, names)) if stems else {}
    exact.update((name, name) for name in names)
    bare: Dict[str, List[str]] = defaultdict(list)
    for key, name in exact.items():
        if name not in bare[_UID.sub("", key)]:
            bare[_UID.sub("", key)].append(name)
    for text in named:
        candidates = [exact[text]] if text in exact else bare.get(_UID.sub("", text), [])
        if len(candidates) == 1:
            found[text] = candidates[0]
    return found


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
    strangers = []
    for i, text in enumerate(particles.micrographs):
        members[found[text]].append(i) if text in found else strangers.append(i)
    own = {name: particles.select(rows).renamed(name) for name, rows in members.items()}
    return own, particles.select(strangers)
