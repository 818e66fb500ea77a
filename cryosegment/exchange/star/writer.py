# SPDX-License-Identifier: GPL-3.0-or-later
"""STAR files written."""

from __future__ import annotations

from typing import Mapping, Sequence, Union

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, write_text

Cell = Union[str, int, float]


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
        lines += [" ".join(map(cell_text, row)) for row in zip(*columns.values())]
    write_text(path, "\n".join(lines) + "\n\n")


def cell_text(value: Cell) -> str:
    """A value as it stands in a STAR file."""
    if isinstance(value, float):
        return f"{value:.6f}"
    text = str(value)
    if text and not any(sign.isspace() or sign in "#\"'" for sign in text):
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'
