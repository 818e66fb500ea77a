# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of micrographs in the files of other programs."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Dict, Iterable, Mapping, Optional, Sequence, Set, TypeVar

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import COMPRESSION_SUFFIXES, PathLike, micrograph_name

IMAGE_SUFFIXES = (".mrc", ".mrcs", ".tif", ".tiff", ".png", ".jpg", ".jpeg")
"""Those of micrographs that are read."""
OTHER_IMAGE_SUFFIXES = (".map", ".eer", ".hdf")
"""Those of what other programs name micrographs after."""
_UID = re.compile(r"^\d+_(?=.)")
_PICKERS = re.compile(
    r"(?<=.)(_(autopick|manualpick|extract|topaz|topazpicks?|automatch|picks?|coords|info)|\.coords)$"
)
"""What RELION, its wrappers of Topaz, Gautomatch, EMAN2 and others add to a micrograph's name."""

T = TypeVar("T")


def name_of_picks(path: PathLike) -> str:
    """Name of the micrograph that a coordinate file is named after, without pickers' endings."""
    name, before = micrograph_name(path), ""
    while name != before:
        before, name = name, _PICKERS.sub("", name)
        if is_image_file(name):
            name = micrograph_name(name)
    return name


def is_image_file(name: str) -> bool:
    """Whether a name is that of an image file, by its suffix."""
    return name.lower().endswith((*IMAGE_SUFFIXES, *OTHER_IMAGE_SUFFIXES, *COMPRESSION_SUFFIXES))


class MicrographNames:
    """Finds micrographs by their names in other files.

    A name is looked for among the names, then among the files' names, then, if that is
    unambiguous, without the number that CryoSPARC puts before names (`<uid>_name`) and without
    the endings of pickers.

    Parameters
    ----------
    names
        Names of the micrographs.
    stems
        Names of their files, in the same order; left out where they are the same.
    """

    def __init__(self, names: Sequence[str], stems: Optional[Sequence[str]] = None) -> None:
        self._exact = dict(zip(stems, names)) if stems else {}
        self._exact.update((name, name) for name in names)
        self._bare: Dict[str, Set[str]] = defaultdict(set)
        for key, name in self._exact.items():
            self._bare[_bare(key)].add(name)

    def find(self, text: str) -> Optional[str]:
        """Micrograph that a file calls `text`; None if there is none, or more than one."""
        if text in self._exact:
            return self._exact[text]
        candidates = self._bare.get(_bare(text), set())
        return next(iter(candidates)) if len(candidates) == 1 else None


def _bare(name: str) -> str:
    return _PICKERS.sub("", _UID.sub("", name))


def match_names(
    named: Iterable[str], names: Sequence[str], stems: Optional[Sequence[str]] = None
) -> Dict[str, str]:
    """Micrograph of each name in a file; names without one are left out.

    Parameters
    ----------
    named
        Names in the file.
    names, stems
        As `MicrographNames` takes them.
    """
    known = MicrographNames(names, stems)
    found = {text: known.find(text) for text in named}
    return {text: name for text, name in found.items() if name is not None}


class ByMicrograph(Dict[str, T]):
    """Values of micrographs from a file, found by the names in it.

    Parameters
    ----------
    values
        Values by the names in the file.
    """

    def __init__(self, values: Mapping[str, T]) -> None:
        super().__init__(values)
        self._names = MicrographNames(list(values))

    def of(self, micrograph: str) -> Optional[T]:
        """Value of a micrograph, or None; found as by `MicrographNames`."""
        name = self._names.find(micrograph)
        return None if name is None else self[name]


def names_in_file(
    named: Iterable[str], names: Sequence[str], stems: Optional[Sequence[str]] = None
) -> Dict[str, str]:
    """Name in a file of each micrograph that it has; the parameters are those of `match_names`.

    Raises
    ------
    InputError
        If it names one in two ways.
    """
    found: Dict[str, str] = {}
    for text, name in match_names(named, names, stems).items():
        if name in found:
            raise InputError(
                f"micrograph {name} is given twice, as {found[name]} and as {text}: keep one"
            )
        found[name] = text
    return found
