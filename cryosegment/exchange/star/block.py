# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of a STAR file, read by numpy's own parser of text."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, TextIO, Tuple

import numpy as np

from cryosegment.exchange.cells import numbers as as_numbers
from cryosegment.exchange.star.words import split_words, star_error, unquoted

Numbers = Dict[str, np.ndarray]
Texts = Dict[str, List[str]]

CHUNK = 50_000
"""Rows that are parsed at once, which bounds the memory."""


@dataclass(frozen=True)
class Rows:
    """Where the rows of a table stand in a file.

    Attributes
    ----------
    path, encoding
        The file.
    first, end
        Their lines, counted from 0; there may be empty ones and comments between them.
    count
        How many rows there are.
    """

    path: Path
    encoding: str
    first: int = 0
    end: int = 0
    count: int = 0

    def part(self, first: int, end: int, count: int) -> Rows:
        """Other rows of the same file."""
        return replace(self, first=first, end=end, count=count)

    def open(self) -> TextIO:
        """The whole file."""
        return self.path.open(encoding=self.encoding)

    def lines(self) -> Iterator[str]:
        """The lines of the rows."""
        with self.open() as stream:
            yield from itertools.islice(stream, self.first, self.end)

    def words(self, width: int) -> Iterator[List[str]]:
        """The values of each row, of which there are to be `width`."""
        for number, line in enumerate(self.lines(), start=self.first):
            words = split_words(self.path, number, line)
            if words and len(words) != width:
                expected = f"expected {width} values in a row, got {len(words)}"
                raise star_error(self.path, number, expected)
            if words:
                yield words


class Block(Mapping[str, List[str]]):
    """A table of a STAR file; values are read from the file when they are asked for.

    `block[column]` is the text of a column, which suits small tables; `read` takes what is wanted
    of a large one in one pass. Columns are named without the leading underscore.

    Parameters
    ----------
    columns
        Their names.
    rows
        Where the values stand.
    items
        The values of the only row, where the block is no loop.
    """

    def __init__(
        self, columns: Sequence[str], rows: Rows, items: Optional[List[str]] = None
    ) -> None:
        self.columns, self.count = tuple(columns), rows.count
        self.rows, self._items = rows, items
        self._index = {column: i for i, column in enumerate(columns)}
        self._texts: Optional[Texts] = None

    def __getitem__(self, column: str) -> List[str]:
        if column not in self._index:
            raise KeyError(column)
        if self._texts is None:
            self._texts = self.read(texts=self.columns)[1]
        return self._texts[column]

    @property
    def is_loop(self) -> bool:
        """Whether it has rows, and not single items."""
        return self._items is None

    def __contains__(self, column: object) -> bool:
        return column in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def read(self, numbers: Sequence[str] = (), texts: Sequence[str] = ()) -> Tuple[Numbers, Texts]:
        """Columns of numbers, (n,), and columns of text; those that are not there are left out.

        Parameters
        ----------
        numbers
            Columns of numbers; one that is missing is NaN.
        texts
            Other columns.

        Raises
        ------
        InputError
            If a row does not fit the columns, or holds text in a column of numbers.
        """
        numbers = [column for column in numbers if column in self._index]
        texts = [column for column in texts if column in self._index]
        found = self._parse(numbers, texts) if self._items is None else None
        return self._read_words(numbers, texts) if found is None else found

    def _parse(self, numbers: List[str], texts: List[str]) -> Optional[Tuple[Numbers, Texts]]:
        """What numpy's parser makes of the rows; nothing where it cannot read one."""
        kinds = ["U1"] * len(self.columns)
        for columns, kind in ((numbers, "f8"), (texts, "O")):
            for column in columns:
                kinds[self._index[column]] = kind
        dtype = np.dtype([(f"f{i}", kind) for i, kind in enumerate(kinds)])
        values: Dict[str, List[np.ndarray]] = {column: [np.empty(0)] for column in numbers}
        words: Texts = {column: [] for column in texts}
        known: Dict[str, str] = {}
        lines, count = self.rows.lines(), 0
        while count < self.count:
            rows = list(itertools.islice(lines, CHUNK))
            if not any(map(str.strip, rows)):
                return None  # a quotation made one row of several lines
            try:
                table = np.loadtxt(rows, dtype, comments=None, quotechar='"', ndmin=1)
            except ValueError:
                return None
            count += len(table)
            for column in numbers:
                values[column].append(table[f"f{self._index[column]}"].copy())
            for column in texts:
                cells = table[f"f{self._index[column]}"].tolist()
                new = set(cells).difference(known)
                if 2 * len(new) > len(cells):
                    words[column] += map(unquoted, cells)
                else:  # one string for all cells that are the same
                    known.update((cell, unquoted(cell)) for cell in new)
                    words[column] += map(known.__getitem__, cells)
        return {column: np.concatenate(parts) for column, parts in values.items()}, words

    def _read_words(self, numbers: List[str], texts: List[str]) -> Tuple[Numbers, Texts]:
        """The columns word by word: with comments, quotations, and errors that say where."""
        rows = self.rows.words(len(self.columns)) if self._items is None else [self._items]
        index = {column: self._index[column] for column in (*numbers, *texts)}
        words: Texts = {column: [] for column in index}
        for row in rows:
            for column, i in index.items():
                words[column].append(row[i])
        path = self.rows.path
        found = {column: as_numbers(path, column, words[column]) for column in numbers}
        return found, {column: words[column] for column in texts}
