# SPDX-License-Identifier: GPL-3.0-or-later
"""STAR files written."""

from __future__ import annotations

import re
from typing import Iterable, Mapping, Sequence, Union

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, atomic_path, write_text

Cell = Union[str, int, float]
TOP = "# written by cryosegment\n"
SPECIAL = re.compile(r"""[\s#"']""")
"""What text must be quoted for."""


def write_star(
    path: PathLike,
    blocks: Mapping[str, Mapping[str, Sequence[Cell]]],
    head: str = TOP,
) -> None:
    """Write blocks of columns as a STAR file of loops, as RELION does.

    Floats are written with six decimals; text with blanks is quoted. Some programs know their
    files by the first line, `head`, which ends with a line break.

    Raises
    ------
    InputError
        If the columns of a block differ in length, or the file cannot be written.
    """
    parts = [head]
    for name, columns in blocks.items():
        lengths = {len(column) for column in columns.values()}
        if len(lengths) > 1:
            raise InputError(f"expected columns of one length in data_{name}, got {lengths}")
        parts += [_labels(name, columns), _rows(columns.values())]
    write_text(path, "".join(parts) + "\n")


def write_parts(
    path: PathLike, columns: Sequence[str], parts: Iterable[Mapping[str, Sequence[Cell]]]
) -> None:
    """Write a table as a STAR file of one loop, a part of its rows after the other.

    Parameters
    ----------
    path
        File to make.
    columns
        Names of the columns.
    parts
        Some rows each, by column; where a part lacks a column, its cells are NaN.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(TOP + _labels("", columns))
        for part in parts:
            missing = [float("nan")] * len(next(iter(part.values())))
            stream.write(_rows([part.get(name, missing) for name in columns]))
        stream.write("\n")


def _labels(name: str, columns: Iterable[str]) -> str:
    labels = "".join(f"_{column} #{i}\n" for i, column in enumerate(columns, start=1))
    return f"\ndata_{name}\n\nloop_\n{labels}"


def _rows(columns: Iterable[Sequence[Cell]]) -> str:
    """The lines of columns of one length."""
    texts = [list(map(cell_text, column)) for column in columns]
    return "".join(" ".join(row) + "\n" for row in zip(*texts))


def cell_text(value: Cell) -> str:
    """A value as it stands in a STAR file."""
    if isinstance(value, float):
        return f"{value:.6f}"
    text = str(value)
    if text and not SPECIAL.search(text):
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'
