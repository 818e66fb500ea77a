# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of CSV files, which may grow by one at a time; one that a crash cut short is dropped."""

from __future__ import annotations

import csv
import io
import math
import os
from pathlib import Path
from typing import Dict, Iterable, List, Sequence

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, atomic_path, read_text

Table = List[Dict[str, str]]

LONGEST_ROW = 1 << 16
"""Bytes of a row, at most."""


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows as the text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def write_rows(path: PathLike, titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table, whole or not at all: floats with four decimals, and nothing for NaN.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with atomic_path(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(titles)
            table.writerows(map(_cell, row) for row in rows)


def _cell(value: object) -> object:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.4f}"


def parse_csv(text: str, source: PathLike, delimiter: str = ",") -> List[List[str]]:
    """Rows of the text of a CSV file; `source` names it in errors.

    Raises
    ------
    InputError
        If a cell is too long, as after a quotation mark that is not closed.
    """
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise InputError(
            f"expected a table in {source}, which is none ({error}): export it again"
        ) from None


def by_column(
    rows: Sequence[Sequence[str]], source: PathLike, columns: Sequence[str] = ()
) -> Table:
    """Cells of rows by the titles in the first; `source` names their file in errors.

    Raises
    ------
    InputError
        If one of the `columns` is missing, or a row has another number of cells.
    """
    titles, *cells = rows or [[]]
    absent = [column for column in columns if column not in titles]
    if absent:
        raise InputError(f"expected the column {absent[0]} in {source}, not found: make it again")
    wrong = next((row for row in cells if len(row) != len(titles)), None)
    if wrong is not None:
        raise InputError(
            f"expected {len(titles)} values in every row of {source}, got {len(wrong)}: make it "
            "again"
        )
    return [dict(zip(titles, row)) for row in cells]


def read_table(path: PathLike, columns: Sequence[str] = ()) -> Table:
    """Rows of a CSV file with titles, each by column.

    Raises
    ------
    InputError
        If the file is missing or cannot be read, one of the `columns` is missing, or a row has
        another number of cells.
    """
    return by_column([row for row in parse_csv(read_text(path), path) if row], path, columns)


def read_rows(path: PathLike) -> List[List[str]]:
    """Rows of a file, but for empty ones and a last one without end; none without a file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if not Path(path).exists():
        return []
    text = read_text(path)
    whole = text[: text.rfind("\n") + 1]
    return [row for row in parse_csv(whole, path) if row]


def titles_of(path: PathLike) -> List[str]:
    """The first row of a file; empty without a file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if not Path(path).exists():
        return []
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return next(csv.reader(stream), [])
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}") from error


def append_row(path: PathLike, row: Sequence[object], titles: Sequence[str] = ()) -> None:
    """Add a row to a file, which is made where it is missing, with a row of titles if given.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as stream:
            size = stream.seek(0, os.SEEK_END)
            end = stream.seek(max(0, size - LONGEST_ROW))
            end += stream.read().rfind(b"\n") + 1
            stream.truncate(end)
            rows = [row] if end or not titles else [titles, row]
            stream.write(csv_text(rows).encode("utf-8"))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
