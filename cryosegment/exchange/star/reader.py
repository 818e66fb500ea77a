# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a STAR file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Dict, Iterable, List, Optional

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, text_encoding
from cryosegment.exchange.star.block import Block, Rows
from cryosegment.exchange.star.words import split_words, star_error

SPECIAL = frozenset(("", "#", "d", "l", "_"))
"""What lines begin with that may be something else than the row of a loop."""

logger = logging.getLogger(__name__)


def read_star(path: PathLike) -> Dict[str, Block]:
    """Tables of a STAR file by the name of their block (without `data_`).

    A block of single items is a table of one row. Of several blocks of one name the first counts,
    as in RELION. Inside a loop, a line that begins with `data_` or `_` is a row if it has a value
    for each column.

    Raises
    ------
    InputError
        If the file is missing, is not a STAR file, names a column twice, has two tables in a
        block, or has rows without columns.
    """
    path = Path(path)
    rows = Rows(path, text_encoding(path))
    scan = _Scan(rows)
    with rows.open() as stream:
        scan.read(stream)
    if not scan.blocks:
        raise InputError(f"expected a STAR file with a data_ block, but {path} has none")
    return scan.blocks


def read_only_table(path: PathLike, columns: Iterable[str] = ()) -> Block:
    """The table of a STAR file that has one.

    Raises
    ------
    InputError
        If the file cannot be read, has several tables, or the table lacks one of the columns.
    """
    blocks = list(read_star(path).values())
    absent = [column for column in columns if column not in blocks[0]]
    if len(blocks) > 1 or absent:
        wanted = f"the column {absent[0]}" if absent else "one table"
        raise InputError(f"expected {wanted} in {path}, which another run or program has written")
    return blocks[0]


class _Scan:
    """The state of looking for tables: the current block and what it has so far."""

    def __init__(self, file: Rows) -> None:
        self.blocks: Dict[str, Block] = {}
        self._file = file
        self._name: Optional[str] = None
        self._start_table(is_loop=False)

    def _start_table(self, is_loop: bool) -> None:
        self._is_loop = is_loop
        self._columns: Dict[str, None] = {}
        self._items: List[str] = []
        self._is_numbered = False
        # the first row, the line after the last label or row, and how many rows there are
        self._first, self._next, self._count = 0, 0, 0

    def read(self, lines: Iterable[str]) -> None:
        """Take in all lines of the file."""
        for number, line in enumerate(lines):
            start = line.lstrip()[:1]
            if self._count and start not in SPECIAL:
                self._next = number + 1
                self._count += 1
            elif start not in ("", "#"):
                self._read_line(number, line.strip())
        self._end_block()

    def _read_line(self, number: int, line: str) -> None:
        words = split_words(self._file.path, number, line)
        if self._is_row(number, line, words):
            self._first = self._first if self._count else number
            self._next = number + 1
            self._count += 1
        elif words[0].startswith("data_"):
            self._end_block()
            self._name = words[0][len("data_") :]
        elif self._name is None:
            raise self._error(number, f"expected data_, got {line[:40]!r}")
        elif words[0] == "loop_":
            if self._columns:
                raise self._error(number, f"a second table in data_{self._name}")
            self._start_table(is_loop=True)
        elif line.startswith("_") and not self._count:
            self._add_label(number, line, words)
        else:
            expected = f"expected {len(self._columns) * self._is_loop} values in a row"
            raise self._error(number, f"{expected}, got {len(words)}")

    def _is_row(self, number: int, line: str, words: List[str]) -> bool:
        """Whether a line is a row of the loop, although it may begin like something else."""
        if not self._is_loop or len(words) != len(self._columns):
            return False
        if len(words) > 1 or not line.startswith(("data_", "loop_", "_")):
            return True
        if line.startswith("_") and not self._count:
            return self._is_numbered and "#" not in line
        # a loop of one column ends at an empty line in RELION, at a block's name in Xmipp
        return number == self._next and (line.startswith("_") or "." in line)

    def _add_label(self, number: int, line: str, words: List[str]) -> None:
        name = words[0][1:]
        if name in self._columns:
            raise self._error(number, f"a second column _{name}")
        if not self._is_loop:
            if len(words) != 2:
                raise self._error(number, f"expected a name and a value, got {line[:40]!r}")
            self._items.append(words[1])
        self._columns[name] = None
        self._is_numbered = "#" in line
        self._next = number + 1

    def _end_block(self) -> None:
        """Keep the current block."""
        path, name, columns = self._file.path, self._name, list(self._columns)
        if name in self.blocks:
            logger.warning("%s has several blocks data_%s: the first counts", path, name)
        elif name is not None and (self._is_loop or not columns):
            rows = self._file.part(self._first, self._next, self._count)
            self.blocks[name] = Block(columns, rows)
        elif name is not None:
            self.blocks[name] = Block(columns, self._file.part(0, 0, 1), self._items)
        self._start_table(is_loop=False)

    def _error(self, number: int, message: str) -> InputError:
        return star_error(self._file.path, number, message)
