# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks and reference of an evaluation, each with its mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, Mapping

import numpy as np

from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.evaluation.evaluation import Evaluation
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.names import match_names, name_of_picks, names_in_file


@dataclass(frozen=True, eq=False)
class Marked:
    """Picks and reference of one micrograph.

    Parameters
    ----------
    picks, reference
        In the order of their files.
    pick_marks, reference_marks
        The mark of each, (n,): `PAIRED`, `ALONE`, `DUPLICATE` or `IGNORED`.
    """

    picks: Coordinates
    reference: Coordinates
    pick_marks: np.ndarray
    reference_marks: np.ndarray


def read_picks(
    path: PathLike,
    pixel_size: float,
    reference: Mapping[str, Coordinates],
    tell: Callable[[str], None] = lambda text: None,
) -> Dict[str, Coordinates]:
    """Picks by micrograph, as the reference names it where it has it.

    Picks of a lone file that does not name its micrograph, which may be called anything, are those
    of the micrograph of a reference that has only one, which `tell` is told.

    Raises
    ------
    InputError
        If they cannot be read, or name a micrograph of the reference in two ways.
    """
    picks = read_coordinates(path, pixel_size)
    known = list(reference)
    is_lone = list(picks) == [name_of_picks(path)] and len(known) == 1
    if is_lone and not match_names(picks, known):
        tell(f"{path} does not name its micrograph: compared with {known[0]} of the reference")
        return {known[0]: next(iter(picks.values())).renamed(known[0])}
    found = {text: name for name, text in names_in_file(picks, known).items()}
    return {found.get(text, text): own for text, own in picks.items()}


def read_marked(evaluation: Evaluation, number: int) -> Dict[str, Marked]:
    """Picks and reference by micrograph, read from the files of an evaluation.

    Parameters
    ----------
    evaluation
        Of files.
    number
        Which of its sets, from 0.

    Raises
    ------
    InputError
        If they cannot be read, or have changed since.
    """
    own = evaluation.sets[number]
    reference = read_coordinates(
        evaluation.reference,
        evaluation.pixel_size,
        height=evaluation.height or None,
        y_up=evaluation.y_up,
    )
    picks = read_picks(own.file, evaluation.pixel_size, reference)
    found = {}
    for row in own.micrographs:
        nothing = Coordinates(np.empty((0, 2)), evaluation.pixel_size, row.name)
        chosen, known = picks.get(row.name, nothing), reference.get(row.name, nothing)
        counts = (len(row.pick_marks), len(row.reference_marks))
        if counts != (len(chosen), len(known)):
            raise InputError(
                f"expected {counts[0]} picks and {counts[1]} particles of {row.name} in {own.file} "
                f"and {evaluation.reference}, got {len(chosen)} and {len(known)}: the files have "
                "changed, evaluate again"
            )
        found[row.name] = Marked(
            chosen, known, np.array(list(row.pick_marks)), np.array(list(row.reference_marks))
        )
    return found
