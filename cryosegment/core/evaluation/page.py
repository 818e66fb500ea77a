# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.html` of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryosegment.core.evaluation.charts import draw_curves
from cryosegment.core.evaluation.looks import Looks, look_at
from cryosegment.core.evaluation.tables import further_tables, table_of_micrographs, tables_of_all
from cryosegment.core.report import (
    Fact,
    Facts,
    Overlays,
    Page,
    Pictures,
    Section,
    Table,
    Text,
    write_page,
)
from cryosegment.exchange.evaluation import Evaluation, SetEvaluation
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.job import PAGE_NAME


def write_evaluation_page(
    folder: PathLike, evaluation: Evaluation, micrographs: Mapping[str, str] | None = None
) -> None:
    """Write `report.html` in a folder.

    Parameters
    ----------
    evaluation
        Of one set of picks or of several.
    micrographs
        Files of micrographs by the names in the reference; what is right and wrong is shown on
        those that there are. The picks then must come from files.

    Raises
    ------
    InputError
        If picks or reference cannot be read again, or the page cannot be written.
    """
    looks = look_at(evaluation, micrographs) if micrographs else Looks((), ())
    write_page(Path(folder, PAGE_NAME), evaluation_page(evaluation, looks))


def evaluation_page(evaluation: Evaluation, looks: Looks) -> Page:
    """The page of an evaluation, with what was seen of micrographs."""
    sections = [_summary(evaluation, looks), Section("Curves", [Pictures(draw_curves(evaluation))])]
    sections.append(
        Section(
            "Micrographs",
            [table_of_micrographs(evaluation, {overlay.name for overlay in looks.overlays})],
            "The worst first. A name leads to the micrograph, where it is shown below.",
        )
    )
    if looks.overlays:
        sections.append(Section("Hits, misses and false picks", [Overlays(looks.overlays)]))
    if looks.sheets:
        sections.append(
            Section(
                "Contact sheets",
                looks.sheets,
                "Low-passed, from the shown micrographs, over all scores, the best first; numbers "
                "are scores. A picture leads to its place.",
            )
        )
    further = list(further_tables(evaluation))
    if further:
        sections.append(Section("Other figures", further))
    names = ", ".join(own.name for own in evaluation.sets)
    reference = "/".join(Path(evaluation.reference).parts[-2:])
    subtitle = (
        f"{names} against {reference}: particles of {evaluation.diameter:.4g} Å; a pick "
        f"is right if {evaluation.rule}"
    )
    return Page("Evaluation of picks", sections, subtitle)


def _summary(evaluation: Evaluation, looks: Looks) -> Section:
    first = evaluation.sets[0]
    facts = [
        Fact("micrographs", f"{len(first.micrographs):,}"),
        Fact("particles", f"{first.overall.reference:,}"),
    ]
    best = evaluation.best
    facts.append(Fact("highest F1", f"{best.overall.f1:.3f}", _interval(best)))
    warnings = [Text(text, is_warning=True) for text in _warnings(evaluation)]
    warnings += [Text(f"not shown: {why}", is_warning=True) for why in looks.failures.values()]
    tables: list[Table] = tables_of_all(evaluation)
    lead = "Intervals are of 95 %." if first.intervals else ""
    return Section("Summary", [Facts(facts), *warnings, *tables], lead)


def _interval(own: SetEvaluation) -> str:
    low, high = own.intervals.get("f1", (float("nan"),) * 2)
    return own.name if low != low else f"{low:.3f}–{high:.3f}, {own.name}"


def _warnings(evaluation: Evaluation) -> list[str]:
    return [f"{own.name}: {text}" for own in evaluation.sets for text in own.lacking()]
