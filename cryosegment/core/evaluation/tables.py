# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of an evaluation, as its report has them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from cryosegment.core.evaluation import styles
from cryosegment.core.report import Bar, Column, Estimate, Place, Table
from cryosegment.core.report.table import Cell
from cryosegment.exchange.evaluation import (
    Evaluation,
    MaskMetrics,
    MicrographMetrics,
    PixelMetrics,
    SetEvaluation,
)

SUMMARY = (
    (Column("picks", ","), "picks"),
    (Column("precision", ".3f", "part of the picks that is right"), "precision"),
    (Column("recall", ".3f", "part of the particles that is picked"), "recall"),
    (Column("F1", ".3f", "harmonic mean of precision and recall"), "f1"),
    (
        Column("AP", ".3f", "mean precision over the recall, picks ranked by score"),
        "average_precision",
    ),
    (Column("best F1", ".3f", "highest F1 of the picks above a threshold"), "best_f1"),
    (Column("at score", "#.3g", "threshold of the best F1"), "best_threshold"),
    (
        Column("centring Å", ".1f", "median distance of hits from their particles"),
        "center_error_median",
    ),
    (Column("duplicates", ",", "wrong picks on a particle that another pick has"), "duplicates"),
    (Column("count error", "+.1%", "surplus of picks over particles"), "count_error"),
    (
        Column("calibration", ".3f", "mean distance of scores from the part that is right"),
        "calibration_error",
    ),
)
"""Columns of the summary and the figures they show."""
TITLES = {name: column.title for column, name in SUMMARY}
PIXEL_FIGURES = (
    ("accuracy", "accuracy"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("F1", "f1"),
    ("IoU", "iou"),
)
"""Columns of the tables of pixels and the figures they show; of discs there is no accuracy."""


def tables_of_all(evaluation: Evaluation) -> list[Table]:
    """The summary of all sets and, of several, their differences."""
    beta = Column(
        f"F{evaluation.beta:g}", ".3f", f"recall weighs {evaluation.beta:g} times as much"
    )
    columns = [*SUMMARY[:4], (beta, "f_beta"), *SUMMARY[4:]]
    rows: list[list[Cell]] = [
        [own.name, *(_figure(own, name) for _, name in columns)] for own in evaluation.sets
    ]
    tables = [Table([Column("set"), *(column for column, _ in columns)], rows)]
    if evaluation.differences:
        tables.append(_differences(evaluation))
    return tables


def _figure(own: SetEvaluation, name: str) -> Cell:
    value: float = getattr(own.overall, name)
    return Estimate(value, *own.intervals[name]) if name in own.intervals else value


def _differences(evaluation: Evaluation) -> Table:
    columns = [
        Column("set"),
        Column("less"),
        Column("figure"),
        Column("difference", "+.3f", "with its 95 % interval; one without 0 says which is better"),
    ]
    rows: list[list[Cell]] = [
        [
            each.first,
            each.second,
            TITLES.get(each.figure, each.figure),
            Estimate(each.value, each.low, each.high),
        ]
        for each in evaluation.differences
    ]
    return Table(columns, rows, "Differences between the sets")


def table_of_micrographs(evaluation: Evaluation, shown: Container[str]) -> Table:
    """Figures of each micrograph in each set, the worst F1 first.

    Parameters
    ----------
    shown
        Names of the micrographs that the page shows, to which names lead.
    """
    kinds = (styles.HIT, styles.MISSED, styles.FALSE, styles.DUPLICATE)
    columns = [
        Column("micrograph"),
        Column("set"),
        Column("F1", ".3f"),
        Column("picks and particles", bars=[(kind.label, kind.color) for kind in kinds]),
        Column("picks", ","),
        Column("particles", ","),
        Column("precision", ".3f"),
        Column("recall", ".3f"),
        Column("AP", ".3f"),
        Column("centring Å", ".1f"),
        Column("count error", "+.0%"),
    ]
    each = [(own.name, row) for own in evaluation.sets for row in own.micrographs]
    each.sort(key=lambda one: (one[1].f1 != one[1].f1, one[1].f1))
    rows = [list(_cells(row, name, row.name in shown)) for name, row in each]
    return Table(columns, rows)


def _cells(row: MicrographMetrics, name: str, is_shown: bool) -> Iterator[Cell]:
    yield Place(row.name, group=name) if is_shown else row.name
    yield name
    yield row.f1
    wrong = row.false_positives - row.duplicates
    yield Bar((row.true_positives, row.false_negatives, wrong, row.duplicates))
    yield from (row.picks, row.reference, row.precision, row.recall, row.average_precision)
    yield from (row.center_error_median, row.count_error)


def further_tables(evaluation: Evaluation) -> Iterator[Table]:
    """What else was asked for: other distances, published protocols, masks."""
    sets = evaluation.sets
    names = ("precision", "recall", "f1", "average_precision")
    figures = [Column(name, ".3f") for name in ("precision", "recall", "F1", "AP")]
    rows: list[list[Cell]] = [
        [own.name, each.distance, *(getattr(each, name) for name in names)]
        for own in sets
        for each in own.distances
    ]
    if rows:
        yield Table(
            [Column("set"), Column("within Å", ".4g"), *figures], rows, "At other distances"
        )
    rows = [
        [own.name, *cells]
        for own in sets
        if own.boxes
        for cells in zip(
            own.boxes.overlaps, own.boxes.precision, own.boxes.recall, own.boxes.average_precision
        )
    ]
    rows += [
        [own.name, "mean", None, None, own.boxes.mean_average_precision]
        for own in sets
        if own.boxes
    ]
    if rows:
        columns = [Column("set"), Column("overlap", ".2f"), *figures[:2], figures[3]]
        yield Table(columns, rows, "Boxes that overlap (mean average precision)")
    pixels = [(own.name, each) for own in sets for each in own.discs]
    if pixels:
        rows_of_discs = [(name, each.name, each) for name, each in pixels]
        yield _pixel_table(rows_of_discs, "Pixels of discs", PIXEL_FIGURES[1:])
    yield from _mask_tables(evaluation)


def _mask_tables(evaluation: Evaluation) -> Iterator[Table]:
    found = [(own.name, own.masks) for own in evaluation.sets if own.masks]
    if not found:
        return
    pixels = [(name, each.name, each) for name, masks in found for each in masks.classes]
    yield _pixel_table(pixels, "Pixels of masks", PIXEL_FIGURES)
    rows: list[list[Cell]] = [[name, *_mask_cells(masks)] for name, masks in found]
    columns = [
        Column("set"),
        *(Column(f"boundary {name}", ".3f") for name in ("precision", "recall", "F1")),
        Column("instances", ","),
        Column("of the reference", ","),
        Column("AP of instances", ".3f", "mean over the least overlaps of a match"),
    ]
    yield Table(columns, rows, "Masks")


def _mask_cells(masks: MaskMetrics) -> Iterator[Cell]:
    yield from (masks.boundary_precision, masks.boundary_recall, masks.boundary_f1)
    yield from (masks.instances, masks.reference, masks.mean_average_precision)


def _pixel_table(
    pixels: Sequence[tuple[str, str, PixelMetrics]],
    title: str,
    figures: Sequence[tuple[str, str]],
) -> Table:
    columns = [Column("set"), Column("of"), *(Column(each, ".3f") for each, _ in figures)]
    rows = [[own, of, *(getattr(each, name) for _, name in figures)] for own, of, each in pixels]
    return Table(columns, rows, title)
