# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of each picked micrograph: `micrographs.csv` in the output folder."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Sequence, Tuple

from cryosegment.exchange.csv_rows import append_row, csv_text, titles_of
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, write_text
from cryosegment.exchange.micrograph_lists import PICKED_NAME, read_list

GOOD = "good"
EMPTY = "empty"
NO_ICE = "no ice"
CRYSTALLINE = "crystalline"
CONTAMINATED = "contaminated"
GRADES = {
    GOOD: "",
    EMPTY: "at most two candidates are more likely particles than not",
    NO_ICE: "no particles, and noise alone",
    CRYSTALLINE: "its ice has the spots, or the mottling, of crystals",
    CONTAMINATED: "more than two thirds of it are contamination",
}
"""Grades of micrographs, and what the bad ones mean."""

OTHER_DIAMETER = "other diameter"
OTHER_CONTRAST = "other contrast"
DOUBTS = {
    OTHER_DIAMETER: "its particles are much smaller or larger than the given diameter",
    OTHER_CONTRAST: "its particles look brighter than the ice where dark was given, or darker",
}
"""Doubts about the parameters, and their meaning."""
FEW = 10
"""Where fewer particles are expected on most micrographs, the parameters are doubted."""


@dataclass(frozen=True)
class MicrographSummary:
    """Figures of a picked micrograph.

    Parameters
    ----------
    micrograph
        Name of the micrograph.
    pixel_size
        Å/px.
    shape
        Its rows and columns.
    picks
        Number of picks.
    expected
        Expected number of particles: the sum of the probabilities of the candidates; NaN if the
        scores of the model are not probabilities.
    mean_score
        Mean score of the picks; NaN without picks.
    contamination
        Fraction of its area that is contaminated, in [0, 1].
    grade
        One of `GRADES`.
    quality
        From 0, useless, to 1; below 0.5 the grade is a bad one; NaN where earlier versions picked.
    doubts
        Doubts about the parameters: keys of `DOUBTS`.
    """

    micrograph: str
    pixel_size: float
    shape: Tuple[int, int]
    picks: int
    expected: float
    mean_score: float
    contamination: float
    grade: str = GOOD
    quality: float = float("nan")
    doubts: Tuple[str, ...] = ()

    @property
    def remarks(self) -> Tuple[str, ...]:
        """The grade unless it is good, and the doubts."""
        return (*((self.grade,) if self.grade != GOOD else ()), *self.doubts)


COLUMNS = [field.name for field in fields(MicrographSummary)]
LATER = ("grade", "quality")
"""Columns that tables of earlier versions lack: there a bad grade was a doubt."""
SEPARATOR = "; "


def read_summaries(folder: PathLike) -> Dict[str, MicrographSummary]:
    """Figures of the micrographs of an output folder by name; empty if there are none.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    path = Path(folder) / PICKED_NAME
    rows = read_list(path, [name for name in COLUMNS if name not in LATER])
    try:
        return {name: _summary(row) for name, row in rows.items()}
    except ValueError as error:
        raise InputError(
            f"expected numbers in {path}, got {error}: remove the file, and pick again"
        ) from error


def _summary(row: Dict[str, str]) -> MicrographSummary:
    numbers = {name: float(row[name]) for name in ("pixel_size", "contamination")}
    maybe = {name: float(row.get(name) or "nan") for name in ("expected", "mean_score", "quality")}
    texts = [text for text in row["doubts"].split(SEPARATOR) if text]
    graded = [row["grade"]] if "grade" in row else [text for text in texts if text in GRADES]
    height, width = map(int, row["shape"].split(" x "))
    return MicrographSummary(
        row["micrograph"],
        shape=(height, width),
        picks=int(row["picks"]),
        grade=(graded or [GOOD])[0],
        doubts=tuple(text for text in texts if text not in GRADES),
        **numbers,
        **maybe,
    )


def write_summaries(folder: PathLike, summaries: Iterable[MicrographSummary]) -> None:
    """Write the table of an output."""
    write_text(Path(folder) / PICKED_NAME, csv_text([COLUMNS, *map(_cells, summaries)]))


def append_summary(folder: PathLike, summary: MicrographSummary) -> None:
    """Add a row to the table of a running output; of several with one name, the last counts.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    path = Path(folder) / PICKED_NAME
    if titles_of(path) not in ([], COLUMNS):  # an earlier version made it
        write_summaries(folder, read_summaries(folder).values())
    append_row(path, _cells(summary), COLUMNS)


def _cells(summary: MicrographSummary) -> List[str]:
    return [
        summary.micrograph,
        f"{summary.pixel_size:.6g}",
        f"{summary.shape[0]} x {summary.shape[1]}",
        str(summary.picks),
        *map(_cell, (summary.expected, summary.mean_score, summary.contamination)),
        summary.grade,
        _cell(summary.quality),
        SEPARATOR.join(summary.doubts),
    ]


def _cell(value: float) -> str:
    return "" if value != value else f"{value:.4f}"


def odd_micrographs(summaries: Sequence[MicrographSummary]) -> Iterator[str]:
    """What looks odd about which micrographs, a line for each bad grade and doubt that occurs.

    Where most have hardly a particle, a line says what may be wrong.
    """
    found = {
        f"{remark} ({meaning})": [row.micrograph for row in summaries if remark in row.remarks]
        for remark, meaning in {**GRADES, **DOUBTS}.items()
    }
    few = [row.micrograph for row in summaries if row.expected < FEW]
    if 2 * len(few) > len(summaries):
        meaning = f"fewer than {FEW} particles are expected: the diameter may be wrong"
        found[f"sparse ({meaning})"] = few
    for what, names in found.items():
        if names:
            count = f"{len(names)} of {len(summaries)} micrographs"
            yield f"{what}: {count}, such as {names[0]}"
