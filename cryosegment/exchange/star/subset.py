# SPDX-License-Identifier: GPL-3.0-or-later
"""Some rows of a table of a STAR file, with all the rest of the file as it is."""

from __future__ import annotations

import itertools
from typing import Dict, Iterator, List, Mapping, Tuple

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, atomic_path
from cryosegment.exchange.star.block import CHUNK, Block
from cryosegment.exchange.star.words import split_words
from cryosegment.exchange.star.writer import cell_text

Row = Tuple[int, str]
"""The number of a line in its file, from 0, and its text."""


def write_star_subset(
    path: PathLike, block: Block, chosen: np.ndarray, added: Mapping[str, np.ndarray]
) -> None:
    """Copy the file of a table with some of its rows, and with more columns.

    All other text is copied as it is: other tables such as the optics groups, comments, the order
    of the columns, and how numbers are written.

    Parameters
    ----------
    path
        File to make.
    block
        The table, as `read_star` has found it.
    chosen
        Whether each row is copied, (n,).
    added
        Numbers of each row, (n,), by the name of their column; those of a column that is there
        replace its own.

    Raises
    ------
    InputError
        If the table is no loop, has another number of rows, or the file cannot be written.
    """
    rows = block.rows
    if not block.is_loop or any(len(part) != block.count for part in (chosen, *added.values())):
        raise InputError(
            f"expected a table of {len(chosen)} rows in {rows.path}: give the file that was read"
        )
    encoding = rows.encoding if rows.encoding == "latin-1" else "utf-8"
    with rows.open() as lines, atomic_path(path) as temporary:
        with temporary.open("w", encoding=encoding) as stream:
            stream.writelines(itertools.islice(lines, rows.first))
            labels = [name for name in added if name not in block]
            numbered = enumerate(labels, start=len(block.columns) + 1)
            stream.writelines(f"_{name} #{i} \n" for i, name in numbered)
            own = itertools.islice(lines, rows.end - rows.first)
            stream.writelines(_chosen_rows(block, enumerate(own, rows.first), chosen, added))
            stream.writelines(lines)


def _chosen_rows(
    block: Block, lines: Iterator[Row], chosen: np.ndarray, added: Mapping[str, np.ndarray]
) -> Iterator[str]:
    """The chosen rows with their new values."""
    replaced = {name: block.columns.index(name) for name in added if name in block}
    form = " ".join("%d" if added[name].dtype.kind in "iub" else "%.6f" for name in added)
    rows = (row for row in lines if row[1].strip() and not row[1].lstrip().startswith("#"))
    for first in range(0, block.count, CHUNK):
        part = slice(first, min(first + CHUNK, block.count))
        values = zip(*(column[part].tolist() for column in added.values()))
        cells = values if added else itertools.repeat((), CHUNK)
        for is_chosen, cell, (number, line) in zip(chosen[part].tolist(), cells, rows):
            if not is_chosen:
                continue
            text, new = line.rstrip(), form % cell
            if replaced or "#" in text:
                words = split_words(block.rows.path, number, line)
                text, new = _replaced(words, dict(zip(added, new.split())), replaced)
            yield f"{text} {new} \n"


def _replaced(
    words: List[str], new: Dict[str, str], replaced: Mapping[str, int]
) -> Tuple[str, str]:
    """A row and the values after it, once those of columns that are there stand in their place."""
    for name, place in replaced.items():
        words[place] = new.pop(name)
    return " ".join(map(cell_text, words)), " ".join(new.values())
