# SPDX-License-Identifier: GPL-3.0-or-later
"""What sets of picks are called in tables and on pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.pick_folder import COORDINATES


def set_names(files: Sequence[str], given: Sequence[str] = ()) -> list[str]:
    """Names of sets: those given, or the ends of their paths that tell them apart.

    Parameters
    ----------
    files
        File or folder of each.
    given
        A name for each, or none.

    Raises
    ------
    ParameterError
        If there are not as many names as sets.
    InputError
        If two are the same.
    """
    if given and len(given) != len(files):
        raise ParameterError(f"expected names of {len(files)} sets, got {len(given)}")
    names = list(given)
    if not names:
        paths = [Path(file) for file in files]
        paths = [path.parent if path.name == COORDINATES else path for path in paths]
        parts = [(*path.parent.parts, micrograph_name(path)) for path in paths]
        names = [_shortest(own, parts) for own in parts]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two sets are named {name!r}: give each a name of its own by --names")
    return names


def _shortest(own: Sequence[str], every: Sequence[Sequence[str]]) -> str:
    """The last parts of a path that no other ends in."""
    for count in range(1, len(own)):
        if sum(other[-count:] == own[-count:] for other in every) == 1:
            return "/".join(own[-count:])
    return str(Path(*own))
