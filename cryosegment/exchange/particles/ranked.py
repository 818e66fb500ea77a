# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of ranked particles: what is kept, what is dropped, and the scores of all."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Iterator, List, Mapping

import numpy as np

from cryosegment.exchange import cells
from cryosegment.exchange.csv_rows import read_table, write_rows
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.particles.files import ParticleFile
from cryosegment.exchange.particles.scores import AGREEMENT, SCORES, Selection, known_scores
from cryosegment.exchange.relion import UNSET

KEPT, DROPPED, SCORES_NAME = "kept", "dropped", "scores.csv"
KEPT_COLUMN = "kept"
CHUNK = 50_000
"""Rows that are written at once, which bounds the memory."""
GALLERY_NAME, AVERAGES_NAME = "gallery.png", "averages.png"
GROUPS_NAME = "groups.png"


def write_ranked(
    particles: ParticleFile,
    scores: Mapping[str, np.ndarray],
    selection: Selection,
    folder: PathLike,
) -> None:
    """Write the kept and the dropped particles in the format that they came in, and all scores.

    Particles without a score are among the dropped, with -999 for each, as RELION marks what is
    not set; scores that no particle has are left out of these files.

    Parameters
    ----------
    particles
        All of them.
    scores
        Their scores by name, (n,); NaN where there is none.
    selection
        Which are kept.
    folder
        Gets `kept` and `dropped`, with the suffix of the format, and `scores.csv`.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    folder = Path(folder)
    write_rows(
        folder / SCORES_NAME,
        ("particle", "micrograph", "defocus", KEPT_COLUMN, *SCORES),
        _score_rows(particles, scores, selection),
    )
    added = {
        SCORES[name].column: np.where(np.isfinite(scores[name]), scores[name], UNSET[0])
        for name in known_scores(scores)
    }
    for name, chosen in ((KEPT, selection.chosen), (DROPPED, ~selection.chosen)):
        particles.write_part(folder / f"{name}{particles.suffix}", chosen, added)


def _score_rows(
    particles: ParticleFile, scores: Mapping[str, np.ndarray], selection: Selection
) -> Iterator[List[object]]:
    """A row for each particle, in the order of the file."""
    stacks = particles.stacks
    columns = (stacks.defocus, selection.chosen.astype(int), *(scores[name] for name in SCORES))
    for first in range(0, len(particles), CHUNK):
        rows = zip(*(column[first : first + CHUNK].tolist() for column in columns))
        for row, numbers in enumerate(rows, start=first):
            yield [stacks.image_name(row), stacks.micrographs[row], *numbers]


def read_scores(folder: PathLike) -> Dict[str, np.ndarray]:
    """Columns of `scores.csv`: the scores, (n,), and with them `defocus` and `kept`.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    path, names = Path(folder) / SCORES_NAME, ("defocus", KEPT_COLUMN, *SCORES)
    rows = read_table(path, [name for name in names if name != AGREEMENT])  # older runs lack it
    return {name: cells.numbers(path, name, [row.get(name, "") for row in rows]) for name in names}
