# SPDX-License-Identifier: GPL-3.0-or-later
"""The output folder of `screen apply`, and the choice of the picks that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Sequence

import numpy as np

from cryosegment.exchange.coordinates import EVERYTHING, Coordinates, read_coordinates_of
from cryosegment.exchange.coordinates.every_column import EveryColumn
from cryosegment.exchange.coordinates.relion import Columns
from cryosegment.exchange.csv_rows import read_table, write_rows
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, remove_file
from cryosegment.exchange.micrograph_lists import FAILURES_NAME, FINISHED_NAME
from cryosegment.exchange.params import AUTO
from cryosegment.exchange.pick_folder import COORDINATES
from cryosegment.exchange.relion import INTERFERENCE, MICROGRAPH, PICKED, PROBABILITY, SCREENED
from cryosegment.exchange.screening import KINDS, combine
from cryosegment.exchange.star import Cell, read_only_table, write_star
from cryosegment.exchange.thresholds import Expected, expected, threshold_of_best_f1

SCREENED_PICKS, DROPPED = "screened", "dropped"
COUNTS_NAME = "screening.csv"
COUNTED = ("micrograph", "picks", "kept", *KINDS)
"""Its columns."""
CONTENTS = (
    *(SCREENED_PICKS, COORDINATES, DROPPED),
    *(EVERYTHING, COUNTS_NAME, FAILURES_NAME, FINISHED_NAME),
)
"""Everything that `screen apply` may write, its job apart."""


@dataclass(frozen=True)
class Kept:
    """What became of the picks of a run.

    Parameters
    ----------
    threshold
        Lowest probability of a pick that is kept.
    counts
        Picks of each kind in `KINDS`, by their boxes alone.
    kept
        Number of picks that are kept.
    expected
        How many of these should be particles, and of how many.
    """

    threshold: float
    counts: Dict[str, int]
    kept: int
    expected: Expected

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.counts.items())
        precision, recall = self.expected.precision, self.expected.recall
        return (
            f"by their boxes: {kinds}; threshold {self.threshold:.3f}: about {precision:.0%} of "
            f"the kept picks should be particles, and {recall:.0%} of the particles are kept"
        )


class ScreenFolder:
    """An output folder of `screen apply`.

    Parameters
    ----------
    path
        The folder, which may be missing.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)

    def file(self, kind: str, name: str) -> Path:
        """File of a micrograph in one of the folders; it may not be there."""
        return self.path / kind / f"{name}.star"

    def write(self, name: str, columns: Columns, found: np.ndarray) -> None:
        """Write the picks of a micrograph with what their boxes hold.

        Parameters
        ----------
        name
            Of the micrograph.
        columns
            Of the picks, by name.
        found
            Probability of each kind, (n, kinds).

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        own = {SCREENED: found[:, 0].tolist(), INTERFERENCE: found[:, 1].tolist()}
        write_star(self.file(SCREENED_PICKS, name), {"": {**columns, **own}})

    def read(self, name: str) -> Coordinates:
        """The picks of a micrograph, in any unit of length.

        Raises
        ------
        InputError
            If the file is missing or cannot be read.
        """
        return read_coordinates_of(self.file(SCREENED_PICKS, name), 1.0, name)

    def counts(self) -> Dict[str, Dict[str, int]]:
        """Numbers of `picks`, of those `kept` and of each kind, by micrograph; empty before.

        Raises
        ------
        InputError
            If their table cannot be read.
        """
        path = self.path / COUNTS_NAME
        rows = read_table(path, COUNTED) if path.exists() else []
        try:
            return {
                row[COUNTED[0]]: {title: int(row[title]) for title in COUNTED[1:]} for row in rows
            }
        except ValueError as error:
            raise InputError(f"expected whole numbers in {path} ({error}): screen again") from None

    def remove(self, name: str) -> None:
        """Remove the files of a micrograph."""
        for kind in (SCREENED_PICKS, COORDINATES, DROPPED):
            remove_file(self.file(kind, name))

    def keep(self, micrographs: Mapping[str, PathLike], threshold: str) -> Kept:
        """Choose the picks that are kept, and write these and the others.

        Parameters
        ----------
        micrographs
            File of each micrograph that is screened, by name.
        threshold
            Lowest probability, or auto.

        Raises
        ------
        InputError
            If a file cannot be read or written.
        """
        picks = [self.read(name) for name in micrographs]
        kinds = np.concatenate([np.empty((0, 3)), *map(self._found, micrographs)])
        scores = np.concatenate([np.empty(0), *(own.scores for own in picks)])
        probabilities = combine(kinds[:, 0], kinds[:, 2], scores)
        lowest = threshold_of_best_f1(probabilities, probabilities)
        if threshold != AUTO:
            lowest = float(threshold)
        best = np.column_stack((kinds[:, :2], 1 - kinds[:, :2].sum(1))).argmax(1)
        parts = np.split(np.arange(len(kinds)), np.cumsum([len(own) for own in picks])[:-1])
        self._write_kept(micrographs, picks, [probabilities[part] for part in parts], lowest)
        rows = [
            [name, len(part), int((probabilities[part] >= lowest).sum()), *_counts(best[part])]
            for name, part in zip(micrographs, parts)
        ]
        write_rows(self.path / COUNTS_NAME, COUNTED, rows)
        total = expected(probabilities, probabilities, lowest)
        return Kept(lowest, dict(zip(KINDS, _counts(best))), total.picks, total)

    def _found(self, name: str) -> np.ndarray:
        """What was found of the picks of a micrograph, (n, 3); NaN without a picking model."""
        block = read_only_table(self.file(SCREENED_PICKS, name), (SCREENED, INTERFERENCE))
        numbers, _ = block.read(numbers=(SCREENED, INTERFERENCE, PICKED))
        unknown = np.full(block.count, np.nan)
        columns = numbers[SCREENED], numbers[INTERFERENCE], numbers.get(PICKED, unknown)
        return np.stack(columns, axis=1)

    def _write_kept(
        self,
        micrographs: Mapping[str, PathLike],
        picks: Sequence[Coordinates],
        probabilities: Sequence[np.ndarray],
        lowest: float,
    ) -> None:
        """Write the picks with a probability of at least `lowest`, the others, and all of these."""
        everything: Dict[str, List[Cell]] = {}
        every_column, total = EveryColumn(), 0
        for (name, file), own, values in zip(micrographs.items(), picks, probabilities):
            columns = {**every_column.of(own), PROBABILITY: values.tolist()}
            for kind, chosen in ((DROPPED, values < lowest), (COORDINATES, values >= lowest)):
                part = {c: [v[i] for i in np.flatnonzero(chosen)] for c, v in columns.items()}
                write_star(self.file(kind, name), {"": part})
            count = len(part[PROBABILITY])
            part[MICROGRAPH] = [str(file)] * count
            for column in part:
                everything.setdefault(column, ["nan"] * total)
            for column, cells in everything.items():
                cells += part.get(column, ["nan"] * count)
            total += count
        write_star(self.path / EVERYTHING, {"": everything})


def _counts(kinds: np.ndarray) -> List[int]:
    return np.bincount(kinds, minlength=len(KINDS)).tolist()
