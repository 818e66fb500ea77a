# SPDX-License-Identifier: GPL-3.0-or-later
"""Report of a labels run: tables of micrographs and of rejected particles, and a summary."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from cryosegment.core.labels.contrast import LabelContrast, contrast_notes
from cryosegment.core.labels.screening import OUTSIDE, REASONS, Rejection, Screening
from cryosegment.exchange.csv_rows import write_rows
from cryosegment.exchange.files import write_text
from cryosegment.exchange.labels import REJECTED_NAME, REPORT_NAME, SUMMARY_NAME

MANY = 0.1
"""A warning is given if more than this fraction of the particles lies outside."""


@dataclass
class Report:
    """Report of a labels run.

    Attributes
    ----------
    diameter
        Of the particles, Å.
    notes
        Choices that were made, and warnings about the input, in sentences.
    rejections
        Particles without a label.
    labelled
        Number of labelled particles.
    """

    diameter: float
    notes: list[str]
    rejections: list[Rejection]
    labelled: int = 0
    _rows: list[dict[str, str | int | float]] = field(default_factory=list)
    _contrasts: list[LabelContrast] = field(default_factory=list)

    def add(
        self,
        name: str,
        found: Screening,
        coverage: float,
        unknown: float,
        contrast: LabelContrast | None,
    ) -> None:
        """Add a micrograph.

        Parameters
        ----------
        name
            Of the micrograph.
        found
            Its particles.
        coverage, unknown
            Fractions of its area.
        contrast
            Contrast of the labels, if there are any.
        """
        figures = {"coverage": f"{coverage:.5f}", "unknown": f"{unknown:.5f}"}
        stands_out = "" if contrast is None else round(contrast.cohen_d, 4)
        self._rows.append({"micrograph": name, **found.counts, **figures, "contrast": stands_out})
        self._contrasts += [] if contrast is None else [contrast]
        self.labelled += len(found.labelled)
        self.rejections += found.rejections

    @property
    def remarks(self) -> list[str]:
        """The notes, and warnings about the contrast of the labels."""
        return [*self.notes, *contrast_notes(self._contrasts)]

    @property
    def lines(self) -> list[str]:
        """The report in short, as lines of text."""
        reasons = Counter(rejection.reason for rejection in self.rejections)
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        ending = f"; rejected: {why} ({REJECTED_NAME})" if why else "; none rejected"
        lines = [*self.remarks, f"{self.labelled} particles labelled{ending}"]
        outside, every = reasons[OUTSIDE], sum(int(row["particles"]) for row in self._rows)
        if outside > MANY * every:
            lines.append(
                f"{outside} of {every} particles lie outside their micrograph: check the pixel "
                "size, and that they belong to these micrographs"
            )
        return lines

    def write(self, folder: Path) -> None:
        """Write `rejected.csv`, `report.json` and, where micrographs were added, `report.csv`.

        Raises
        ------
        InputError
            If a file cannot be written.
        """
        header = [
            "micrograph",
            "particles",
            "labelled",
            *REASONS,
            "coverage",
            "unknown",
            "contrast",
        ]
        if self._rows:
            rows = [[row[column] for column in header] for row in self._rows]
            write_rows(folder / REPORT_NAME, header, rows)
        write_rows(
            folder / REJECTED_NAME,
            ["row", "micrograph", "x", "y", "reason", "detail"],
            [_cells(each) for each in sorted(self.rejections, key=lambda r: (r.micrograph, r.row))],
        )
        summary = {
            "labelled": self.labelled,
            "rejected": dict(Counter(rejection.reason for rejection in self.rejections)),
            "diameter": round(self.diameter, 2),
            "notes": self.remarks,
        }
        text = json.dumps(summary, indent=2, ensure_ascii=False)
        write_text(folder / SUMMARY_NAME, text + "\n")


def _cells(each: Rejection) -> list[str | int]:
    y, x = each.center_yx
    return [each.row, each.micrograph, f"{x:.2f}", f"{y:.2f}", each.reason, each.detail]
