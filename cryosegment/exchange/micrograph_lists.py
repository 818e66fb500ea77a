# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of micrographs in output folders: a row for each, its name first."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Mapping, Sequence

from cryosegment.exchange.csv_rows import csv_text, read_rows
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, remove_file, write_text

PICKED_NAME, FINISHED_NAME, FAILURES_NAME = "micrographs.csv", "finished.csv", "failures.csv"
"""Files with the figures of those that `pick` is done with, with what the results of each depend
on, and with why others failed."""
FAILURE = ("micrograph", "error")


def read_list(
    path: Path, columns: Sequence[str], is_titled: bool = True
) -> Dict[str, Dict[str, str]]:
    """Cells of each micrograph by column, by name; empty without a file.

    Of several rows with one name, the last counts, as lists grow while micrographs are processed.

    Parameters
    ----------
    path
        The list.
    columns
        What it must hold, the name first.
    is_titled
        Whether its first row has the titles of the columns.

    Raises
    ------
    InputError
        If it cannot be read, or lacks a column.
    """
    rows = read_rows(path)
    titles = rows.pop(0) if is_titled and rows else list(columns)
    if not set(columns) <= set(titles):
        raise InputError(
            f"expected the columns {', '.join(columns)} in {path}, found {', '.join(titles)}: "
            "remove the file, and run again"
        )
    return {row[0]: dict(zip(titles, row)) for row in rows if len(row) == len(titles)}


def write_failures(folder: PathLike, failures: Mapping[str, str]) -> None:
    """Write why micrographs failed, by name; without failures, remove an old list."""
    path = Path(folder) / FAILURES_NAME
    if failures:
        write_text(path, csv_text([FAILURE, *sorted(failures.items())]))
    else:
        remove_file(path)


def read_failures(folder: PathLike) -> Dict[str, str]:
    """Why micrographs failed, by name; empty where there is no list.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    rows = read_list(Path(folder) / FAILURES_NAME, FAILURE)
    return {name: row["error"] for name, row in rows.items()}
