# SPDX-License-Identifier: GPL-3.0-or-later
"""STAR files (RELION, crYOLO) as columns of text; nothing but the standard library."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Sequence, Tuple, Union

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, read_text, write_text

Block = Dict[str, List[str]]
"""Columns of a STAR block by their name without the leading underscore."""

Cell = Union[str, int, float]


def read_star(path: PathLike) -> Dict[str, Block]:
    """Blocks of a STAR file by name (without `data_`), each with its columns.

    A block of single items is read as columns of one row.

    Raises
    ------
    InputError
        If the file is missing, is not a STAR file, names a block or a column twice, or has
        a row that does not fit its columns.
    """
    parser = _Parser(Path(path))
    for number, line in _meaningful_lines(read_text(path)):
        parser.read_line(number, line)
    if not parser.blocks:
        raise InputError(f"expected a STAR file with a data_ block, but {path} has none")
    return parser.blocks


def _meaningful_lines(text: str) -> Iterator[Tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if line and not line.startswith("#"):
            yield number, line


class _Parser:
    """The state of reading: the current block and whether it is a loop."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.blocks: Dict[str, Block] = {}
        self._block: Block = {}
        self._columns: List[List[str]] = []
        self._is_loop = False

    def read_line(self, number: int, line: str) -> None:
        """Take in one line that is neither empty nor a comment."""
        if line.startswith("data_"):
            self._start_block(number, line.split()[0][len("data_") :])
        elif not self.blocks:
            raise self._error(number, f"expected data_, got {line[:40]!r}")
        elif line.split()[0] == "loop_":
            self._is_loop, self._columns = True, []
        elif line.startswith("_") and not self._has_rows():
            self._read_label(number, line)
        else:
            self._read_row(number, line)

    def _start_block(self, number: int, name: str) -> None:
        if name in self.blocks:
            raise self._error(number, f"a second block data_{name}")
        self._block = self.blocks[name] = {}
        self._is_loop, self._columns = False, []

    def _has_rows(self) -> bool:
        return self._is_loop and any(self._columns)

    def _read_label(self, number: int, line: str) -> None:
        words = self._words(number, line)
        name = words[0][1:]
        if name in self._block:
            raise self._error(number, f"a second column _{name}")
        if self._is_loop:
            self._block[name] = []
            self._columns.append(self._block[name])
        elif len(words) == 2:
            self._block[name] = [words[1]]
        else:
            raise self._error(number, f"expected a name and a value, got {line[:40]!r}")

    def _read_row(self, number: int, line: str) -> None:
        words = self._words(number, line)
        if not self._is_loop or len(words) != len(self._columns):
            raise self._error(
                number, f"expected {len(self._columns)} values in a row, got {len(words)}"
            )
        for column, word in zip(self._columns, words):
            column.append(word)

    def _words(self, number: int, line: str) -> List[str]:
        if not any(sign in line for sign in "\"'#"):
            return line.split()
        # the quotes of STAR open and close only at the borders of words
        lexer = shlex.shlex(line, posix=False)
        lexer.whitespace_split, lexer.commenters = True, ""
        try:
            words = list(lexer)
        except ValueError:
            raise self._error(number, f"a quotation without end in {line[:40]!r}") from None
        comment = next((i for i, word in enumerate(words) if word.startswith("#")), len(words))
        return [_unquoted(word) for word in words[:comment]]

    def _error(self, number: int, message: str) -> InputError:
        return InputError(f"{self.path} is not a valid STAR file: line {number}: {message}")


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) >= 2 and word[0] == word[-1] and word[0] in "\"'" else word


def write_star(path: PathLike, blocks: Mapping[str, Mapping[str, Sequence[Cell]]]) -> None:
    """Write blocks of columns as a STAR file of loops, as RELION does.

    Floats are written with six decimals; text with blanks is quoted.

    Raises
    ------
    InputError
        If the columns of a block differ in length, or the file cannot be written.
    """
    lines = ["# written by cryosegment"]
    for name, columns in blocks.items():
        lengths = {len(column) for column in columns.values()}
        if len(lengths) > 1:
            raise InputError(f"expected columns of one length in data_{name}, got {lengths}")
        lines += ["", f"data_{name}", "", "loop_"]
        lines += [f"_{column} #{i}" for i, column in enumerate(columns, start=1)]
        lines += [" ".join(map(_cell_text, row)) for row in zip(*columns.values())]
    write_text(path, "\n".join(lines) + "\n\n")


def _cell_text(value: Cell) -> str:
    if isinstance(value, float):
        return f"{value:.6f}"
    text = str(value)
    if text and not any(sign.isspace() or sign in "#\"'" for sign in text):
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'
