# SPDX-License-Identifier: GPL-3.0-or-later
"""The quality of labels as tables and in words, with warnings."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from cryosegment.core.evaluation.pixels import PixelCounts, ratio
from cryosegment.core.labels.contrast import (
    AS_LABELLED,
    PLACEMENTS,
    contrast_notes,
    total_placements,
)
from cryosegment.core.quality.inspection import Inspection
from cryosegment.exchange.csv_rows import write_rows
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import read_json, write_text
from cryosegment.exchange.labels import SUMMARY_NAME

TABLE_NAME, PARTICLES_NAME, JSON_NAME = "quality.csv", "particles.csv", "quality.json"
FEW_SUPPORTED, MANY_UNLABELLED = 0.7, 0.3
"""Fractions below and above which there is a warning."""


@dataclass(frozen=True)
class Quality:
    """The quality of the labels of some micrographs.

    Attributes
    ----------
    inspections
        One for each micrograph.
    rejected
        Number of particles without a label, by reason, if known.
    segmentation
        Name of the model with which the labels were compared, or "none".
    """

    inspections: Sequence[Inspection]
    rejected: Mapping[str, int]
    segmentation: str

    @property
    def contrasts(self) -> Float[np.ndarray, " n"]:
        """Contrast (Cohen's d) of every particle that has one."""
        every = np.concatenate([np.empty(0), *(i.contrast.particles for i in self.inspections)])
        return every[np.isfinite(every)]

    @property
    def placements(self) -> dict[str, float]:
        """Mean grey level under the particles at flipped and other placements."""
        return total_placements([inspection.contrast for inspection in self.inspections])

    @property
    def figures(self) -> dict[str, float]:
        """Figures of all micrographs together; nan if there is nothing to measure."""
        agreements = [inspection.agreement for inspection in self.inspections]
        pixels = sum((each.pixels for each in agreements), PixelCounts())
        judged = sum(int(each.judged.sum()) for each in agreements)
        supported = sum(int(each.supported.sum()) for each in agreements)
        unlabelled = sum(len(each.unlabelled_yx) for each in agreements)
        contrasts = self.contrasts
        return {
            "micrographs": len(self.inspections),
            "particles": sum(len(inspection.centers_yx) for inspection in self.inspections),
            "coverage": _mean(inspection.coverage for inspection in self.inspections),
            "cohen_d": _mean(inspection.contrast.cohen_d for inspection in self.inspections),
            "particle_cohen_d": float(np.median(contrasts)) if len(contrasts) else math.nan,
            "iou": pixels.iou,
            "supported": ratio(supported, judged),
            "unlabelled": ratio(unlabelled, sum(each.strong for each in agreements)),
            "rejected": sum(self.rejected.values()),
        }

    @property
    def notes(self) -> list[str]:
        """Warnings, in sentences."""
        figures = self.figures
        notes = contrast_notes([inspection.contrast for inspection in self.inspections])
        faint = [i.name for i in self.inspections if i.contrast.is_faint]
        if not notes and faint:
            notes.append(
                f"in {len(faint)} micrographs the labels do not differ from the background, such "
                f"as {faint[0]}"
            )
        if figures["supported"] < FEW_SUPPORTED:
            notes.append(
                f"the segmentation finds only {figures['supported']:.0%} of the labelled particles"
            )
        if figures["unlabelled"] > MANY_UNLABELLED:
            notes.append(
                f"{figures['unlabelled']:.0%} of the particles that the segmentation finds have no "
                "label: labels are incomplete, or it finds something that is no particle"
            )
        return notes

    @property
    def headlines(self) -> list[str]:
        """The figures in words."""
        figures = self.figures
        return [
            f"{figures['particles']:.0f} particles on {figures['micrographs']:.0f} micrographs, "
            f"{figures['coverage']:.1%} of the area; contrast (Cohen's d) "
            f"{figures['cohen_d']:+.2f}",
            f"segmentation ({self.segmentation}): finds {figures['supported']:.1%} of the labelled "
            f"particles, {figures['unlabelled']:.1%} of what it finds has no label, IoU "
            f"{figures['iou']:.3f}",
        ]


def read_rejected(folder: Path) -> dict[str, int]:
    """Number of particles without a label, by reason, from the report of a labels folder."""
    path = folder / SUMMARY_NAME
    if not path.exists():
        return {}
    values = read_json(path)
    try:
        return {str(name): int(number) for name, number in values["rejected"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is not a report of labels ({error}): make them again") from None


def write_tables(folder: Path, quality: Quality) -> None:
    """Write `quality.csv` (micrographs), `particles.csv` and `quality.json`.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    _write_table(folder / TABLE_NAME, [_row(inspection) for inspection in quality.inspections])
    rows = [row for inspection in quality.inspections for row in _particle_rows(inspection)]
    _write_table(folder / PARTICLES_NAME, rows)
    figures = {name: _or_none(value) for name, value in quality.figures.items()}
    values = {
        **figures,
        "segmentation": quality.segmentation,
        "placements": {name: _or_none(value) for name, value in quality.placements.items()},
        "rejected": dict(quality.rejected),
        "notes": quality.notes,
    }
    write_text(folder / JSON_NAME, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def _row(inspection: Inspection) -> dict[str, Any]:
    contrast, found = inspection.contrast, inspection.agreement
    return {
        "micrograph": inspection.name,
        "particles": len(inspection.centers_yx),
        "coverage": inspection.coverage,
        "unknown": inspection.unknown,
        "contamination": inspection.contamination,
        "inside": contrast.inside,
        "outside": contrast.outside,
        "cohen_d": contrast.cohen_d,
        **{name: contrast.placements[name] for name in PLACEMENTS if name != AS_LABELLED},
        "bright particles": int(contrast.has_bright_particles),
        "iou": found.pixels.iou,
        "supported": found.supported_part,
        "strong": found.strong,
        "unlabelled": found.unlabelled_part,
    }


def _particle_rows(inspection: Inspection) -> Iterator[dict[str, Any]]:
    found = inspection.agreement
    columns = (inspection.centers_yx, inspection.contrast.particles, found.judged, found.supported)
    for number, ((y, x), contrast, judged, supported) in enumerate(zip(*columns), start=1):
        yield {
            "micrograph": inspection.name,
            "particle": number,
            "x": f"{x:.2f}",
            "y": f"{y:.2f}",
            "cohen_d": float(contrast),
            "supported": int(supported) if judged else "",
        }


def _write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    write_rows(path, list(rows[0]) if rows else [], (list(row.values()) for row in rows))


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
