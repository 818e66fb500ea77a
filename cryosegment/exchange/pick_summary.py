# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of each picked micrograph: `micrographs.csv` in the output folder."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Sequence, Tuple

from cryosegment.exchange.csv_rows import append_row, csv_text
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, write_text
from cryosegment.exchange.micrograph_lists import PICKED_NAME, read_list

EMPTY = "empty"
CRYSTALLINE = "crystalline"
CONTAMINATED = "contaminated"
OTHER_DIAMETER = "other diameter"
OTHER_CONTRAST = "other contrast"
DOUBTS = {
    EMPTY: "at most two candidates are more likely particles than not",
    CRYSTALLINE: "power spectra of parts of it have the spots of crystalline ice",
    CONTAMINATED: "most of it is contamination",
    OTHER_DIAMETER: "its particles are much smaller or larger than the given diameter",
    OTHER_CONTRAST: "its particles look brighter than the ice where dark was given, or darker",
}
"""Warnings about a micrograph, and their meaning."""


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
    doubts
        Warnings about it: keys of `DOUBTS`.
    """

    micrograph: str
    pixel_size: float
    shape: Tuple[int, int]
    picks: int
    expected: float
    mean_score: float
    contamination: float
    doubts: Tuple[str, ...] = ()


COLUMNS = [field.name for field in fields(MicrographSummary)]
SEPARATOR = "; "


def read_summaries(folder: PathLike) -> Dict[str, MicrographSummary]:
    """Figures of the micrographs of an output folder by name; empty if there are none.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    path = Path(folder) / PICKED_NAME
    rows = read_list(path, COLUMNS)
    try:
        return {name: _summary(row) for name, row in rows.items()}
    except ValueError as error:
        raise InputError(
            f"expected numbers in {path}, got {error}: remove the file, and pick again"
        ) from error


def _summary(row: Dict[str, str]) -> MicrographSummary:
    numbers = {name: float(row[name]) for name in ("pixel_size", "contamination")}
    maybe = {name: float(row[name] or "nan") for name in ("expected", "mean_score")}
    doubts = tuple(text for text in row["doubts"].split(SEPARATOR) if text)
    height, width = map(int, row["shape"].split(" x "))
    return MicrographSummary(
        row["micrograph"],
        shape=(height, width),
        picks=int(row["picks"]),
        doubts=doubts,
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
    append_row(Path(folder) / PICKED_NAME, _cells(summary), COLUMNS)


def _cells(summary: MicrographSummary) -> List[str]:
    return [
        summary.micrograph,
        f"{summary.pixel_size:.6g}",
        f"{summary.shape[0]} x {summary.shape[1]}",
        str(summary.picks),
        *(
            "" if value != value else f"{value:.4f}"
            for value in (summary.expected, summary.mean_score)
        ),
        f"{summary.contamination:.4f}",
        SEPARATOR.join(summary.doubts),
    ]


def odd_micrographs(summaries: Sequence[MicrographSummary]) -> Iterator[str]:
    """What looks odd about which micrographs, a line for each of `DOUBTS` that occurs."""
    for doubt, meaning in DOUBTS.items():
        names = [row.micrograph for row in summaries if doubt in row.doubts]
        if names:
            count = f"{len(names)} of {len(summaries)} micrographs"
            yield f"{doubt} ({meaning}): {count}, such as {names[0]}"
