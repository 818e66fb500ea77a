# SPDX-License-Identifier: GPL-3.0-or-later
"""The output folder of `consensus`: picks with their votes, and a row for each micrograph."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np

from cryosegment.exchange.coordinates import Coordinates, read_coordinates_of
from cryosegment.exchange.coordinates.record import ArrayLike
from cryosegment.exchange.coordinates.relion import Columns, pick_columns
from cryosegment.exchange.csv_rows import append_row
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.micrograph_lists import read_list
from cryosegment.exchange.relion import MICROGRAPH as MICROGRAPH_NAME
from cryosegment.exchange.star import read_only_table, write_parts, write_star

VOTES, SETS, SET_SCORE = "cryosegmentVotes", "cryosegmentSets", "cryosegmentScoreInSet"
"""Columns of each pick: in how many sets it is, their numbers from 1 such as 1+3, and, with the
number of a set behind, its score there."""
COUNTS_NAME = "consensus.csv"
MICROGRAPH, PICKS = "micrograph", "picks"


@dataclass(frozen=True, eq=False)
class ConsensusPicks:
    """Particles of one micrograph, and which sets have each.

    Parameters
    ----------
    coordinates
        Their centres and scores.
    is_in
        Whether each is in each set, (n, sets).
    set_scores
        Its score in each set, (n, sets); NaN where it has none.
    """

    coordinates: Coordinates
    is_in: np.ndarray
    set_scores: np.ndarray

    def __len__(self) -> int:
        return len(self.coordinates)

    @property
    def votes(self) -> np.ndarray:
        """In how many sets each is, (n,)."""
        votes: np.ndarray = self.is_in.sum(axis=1)
        return votes

    @property
    def sets(self) -> List[str]:
        """The numbers of the sets that have each, from 1, such as 1+3."""
        kinds, which = np.unique(self.is_in, axis=0, return_inverse=True)
        texts = ["+".join(map(str, np.flatnonzero(kind) + 1)) for kind in kinds]
        return [texts[i] for i in which.reshape(-1)]

    def select(self, index: ArrayLike) -> ConsensusPicks:
        """Particles by a boolean mask, (n,), or by indices, in their order."""
        chosen = np.asarray(index)
        return ConsensusPicks(
            self.coordinates.select(chosen), self.is_in[chosen], self.set_scores[chosen]
        )

    @property
    def columns(self) -> Columns:
        """Columns of RELION, and those that say which sets have each."""
        of_sets = {
            f"{SET_SCORE}{i}": scores.tolist() for i, scores in enumerate(self.set_scores.T, 1)
        }
        known = pick_columns(self.coordinates)
        return {**known, VOTES: self.votes.tolist(), SETS: self.sets, **of_sets}

    def write(self, path: PathLike) -> None:
        """Write them as a STAR file that RELION reads.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        write_star(path, {"": self.columns})


def write_joint(path: PathLike, picks: Sequence[ConsensusPicks]) -> None:
    """Write the picks of several micrographs as one STAR file that names them as RELION does.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    names = {column: None for each in picks for column in each.columns}
    parts = (
        {MICROGRAPH_NAME: [f"{each.coordinates.name}.mrc"] * len(each), **each.columns}
        for each in picks
    )
    write_parts(path, (MICROGRAPH_NAME, *names), parts)


def read_consensus(path: PathLike, pixel_size: float, name: str) -> ConsensusPicks:
    """Picks of a micrograph from a file that `ConsensusPicks.write` made.

    Parameters
    ----------
    path
        The file.
    pixel_size
        Of the micrograph, Å/px.
    name
        Its name.

    Raises
    ------
    InputError
        If it cannot be read, or is another file.
    """
    coordinates = read_coordinates_of(path, pixel_size, name)
    block = read_only_table(path, (SETS,))
    numbers_from_1 = range(1, 1 + sum(column.startswith(SET_SCORE) for column in block))
    of_sets = {str(i): f"{SET_SCORE}{i}" for i in numbers_from_1}
    numbers, texts = block.read(list(of_sets.values()), (SETS,))
    is_in = np.zeros((len(coordinates), len(of_sets)), bool)
    try:
        for row, text in zip(is_in, texts[SETS]):
            row[[list(of_sets).index(word) for word in text.split("+")]] = True
        scores = [numbers[column] for column in of_sets.values()]
    except (KeyError, ValueError) as error:
        raise InputError(
            f"expected sets from 1 to {len(of_sets)} and their scores in {path} ({error}): remove "
            "the folder, and run again"
        ) from None
    return ConsensusPicks(coordinates, is_in, np.reshape(scores, is_in.T.shape).T)


@dataclass(frozen=True, eq=False)
class Counts:
    """How far sets agree, on one micrograph or on all.

    Parameters
    ----------
    picks
        Number of picks of the consensus.
    particles
        Number of particles with 1, 2, ... votes, (sets,).
    agreed
        Number of picks of each set that are in the consensus, (sets,).
    together
        Number of particles that two sets both have, (sets, sets); of a set with itself, its picks.
    """

    picks: int
    particles: np.ndarray
    agreed: np.ndarray
    together: np.ndarray

    @property
    def in_set(self) -> np.ndarray:
        """Number of picks of each set, (sets,)."""
        return np.diagonal(self.together)

    @classmethod
    def of(cls, particles: ConsensusPicks, is_chosen: np.ndarray) -> Counts:
        """Those of a micrograph, from all its particles and the mask of its picks, (n,)."""
        is_in = particles.is_in.astype(np.int64)
        by_votes = np.bincount(particles.votes - 1, minlength=is_in.shape[1])
        agreed = is_in[is_chosen].sum(axis=0)
        return cls(int(is_chosen.sum()), by_votes, agreed, is_in.T @ is_in)

    @classmethod
    def total(cls, counts: Sequence[Counts]) -> Counts:
        """Those of several micrographs."""
        kinds = ("particles", "agreed", "together")
        sums = [np.sum([getattr(each, kind) for each in counts], axis=0) for kind in kinds]
        return cls(sum(each.picks for each in counts), *sums)

    def append(self, folder: PathLike, name: str) -> None:
        """Add the row of a micrograph to the table of an output folder.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        pairs = self.together[np.triu_indices(len(self.particles), 1)]
        columns = (self.particles, self.in_set, self.agreed, pairs)
        row = [name, self.picks, *(int(number) for values in columns for number in values)]
        append_row(Path(folder) / COUNTS_NAME, row, _titles(len(self.particles)))

    @classmethod
    def from_row(cls, numbers: np.ndarray) -> Counts:
        """Those that a row of the table holds behind the name, (n,)."""
        picks, rest = int(numbers[0]), numbers[1:]
        sets = int((np.sqrt(25 + 8 * len(rest)) - 5) / 2 + 0.5)  # 3 sets + sets (sets - 1) / 2
        particles, in_set, agreed = rest[: 3 * sets].reshape(3, sets)
        together = np.diag(in_set)
        first, second = np.triu_indices(sets, 1)
        together[first, second] = together[second, first] = rest[3 * sets :]
        return cls(picks, particles, agreed, together)


def _titles(sets: int) -> List[str]:
    numbers = range(1, sets + 1)
    kinds = ("particles_with_votes_", "in_set_", "agreed_in_set_")
    pairs = [f"in_sets_{i}_and_{j}" for i, j in combinations(numbers, 2)]
    return [MICROGRAPH, PICKS, *(f"{kind}{i}" for kind in kinds for i in numbers), *pairs]


def read_counts(folder: PathLike) -> Dict[str, Counts]:
    """Counts of each micrograph of an output folder, by name; empty if there are none.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    path = Path(folder) / COUNTS_NAME
    found = {}
    for name, row in read_list(path, (MICROGRAPH, PICKS)).items():
        _, *cells = row.values()
        try:
            found[name] = Counts.from_row(np.array(cells, dtype=np.int64))
        except ValueError as error:
            raise InputError(
                f"expected whole numbers in {path}, got {error}: remove the folder, and run again"
            ) from error
    return found
