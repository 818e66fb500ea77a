# SPDX-License-Identifier: GPL-3.0-or-later
"""An evaluation as the window shows it: hits, false picks and missed particles."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.evaluation import (
    ALONE,
    DUPLICATE,
    IGNORED,
    PAIRED,
    Evaluation,
    Marked,
    MicrographMetrics,
    read_marked,
)
from cryosegment.exchange.repicking import picking_job
from cryosegment.window.content import CIRCLE, CROSS, DASHED, At, Column, Content, Marks, nearest

COLUMNS = (
    Column("Micrograph"),
    Column("Hits", "d"),
    Column("False", "d"),
    Column("Missed", "d"),
    Column("F1", ".2f"),
)
SET = Column("Set")
HIT_COLOR, FALSE_COLOR, MISSED_COLOR = "#56b4e9", "#ff8c42", "#f0e442"
DUPLICATE_COLOR, IGNORED_COLOR = "#e78ac3", "#b0b0b0"
OF_PICKS = {
    PAIRED: (HIT_COLOR, CIRCLE, "hits"),
    ALONE: (FALSE_COLOR, CROSS, "false picks"),
    DUPLICATE: (DUPLICATE_COLOR, CROSS, "duplicates"),
    IGNORED: (IGNORED_COLOR, CIRCLE, "not counted"),
}
"""Colour, kind and name of picks by their mark in the evaluation."""


class EvaluationDisplay:
    """What is seen of an evaluation; a micrograph of each set is a row.

    Parameters
    ----------
    evaluation
        Of files.
    files
        Image file of each micrograph, by name; by default those of the picking runs among the
        sets.
    """

    def __init__(self, evaluation: Evaluation, files: Optional[Mapping[str, str]] = None) -> None:
        self._evaluation = evaluation
        self._files = images_of(evaluation) if files is None else files
        self._rows: Dict[str, Tuple[int, MicrographMetrics]] = {}
        self._has_sets = len(evaluation.sets) > 1
        for number, own in enumerate(evaluation.sets):
            end = f" ({own.name})" if self._has_sets else ""
            self._rows.update({row.name + end: (number, row) for row in own.micrographs})
        self._marked = lru_cache(maxsize=None)(self._marked_of)

    def content(self, title: str) -> Content:
        """It as the content of a window."""
        named = {name: self._files.get(row.name) for name, (_, row) in self._rows.items()}
        return Content(
            title,
            (COLUMNS[0], SET, *COLUMNS[1:]) if self._has_sets else COLUMNS,
            list(self._rows),
            {name: file for name, file in named.items() if file},
            dict.fromkeys(self._rows, self._evaluation.pixel_size),
            self._cells,
            self._marks,
            self._about,
            self._point,
        )

    def _cells(self, name: str) -> Tuple[Any, ...]:
        number, row = self._rows[name]
        figures = row.true_positives, row.false_positives, row.false_negatives, row.f1
        of_set = (self._evaluation.sets[number].name,) if self._has_sets else ()
        return (row.name, *of_set, *figures)

    def _marked_of(self, number: int) -> Dict[str, Marked]:
        return read_marked(self._evaluation, number)

    def _found(self, name: str) -> Marked:
        number, row = self._rows[name]
        return self._marked(number)[row.name]

    def _marks(self, name: str) -> List[Marks]:
        found = self._found(name)
        diameter_px = self._evaluation.diameter / self._evaluation.pixel_size
        kinds = [
            (found.picks, found.pick_marks == mark, *drawn) for mark, drawn in OF_PICKS.items()
        ]
        missed = found.reference_marks == ALONE
        kinds.append((found.reference, missed, MISSED_COLOR, DASHED, "missed particles"))
        return [
            Marks(own.centers_yx[are], [color] * int(are.sum()), diameter_px, kind, what)
            for own, are, color, kind, what in kinds
            if are.any()
        ]

    def _about(self, name: str) -> str:
        _, row = self._rows[name]
        return f"precision {row.precision:.2f}, recall {row.recall:.2f}"

    def _point(self, name: str, at: At) -> str:
        found = self._found(name)
        reach = self._evaluation.diameter / self._evaluation.pixel_size / 2
        pick, particle = (
            nearest(own.centers_yx, at, reach) for own in (found.picks, found.reference)
        )
        if pick is not None:
            score = found.picks.scores[pick]
            score_text = f", score {score:.3f}" if np.isfinite(score) else ""
            return OF_PICKS[found.pick_marks[pick]][2].rstrip("s") + score_text
        if particle is not None and found.reference_marks[particle] == ALONE:
            return "missed particle"
        return ""


def images_of(evaluation: Evaluation) -> Dict[str, str]:
    """Image files of the micrographs, by name, from the picking runs among the sets."""
    files: Dict[str, str] = {}
    for own in evaluation.sets:
        for folder in (Path(own.file), Path(own.file).parent):
            try:
                job = picking_job(folder)
            except InputError:  # these picks are of another program
                continue
            files.update(zip(job.names, job.inputs))
    return files
