# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a survey."""

from __future__ import annotations

import numpy as np

from cryosegment.core.consensus.report import agreement_section, failures_section
from cryosegment.core.report import (
    Column,
    Fact,
    Facts,
    Overlays,
    Page,
    Pictures,
    Section,
    Table,
    Text,
)
from cryosegment.core.survey import figures
from cryosegment.core.survey.looks import Looks
from cryosegment.core.survey.survey import SetSurvey, Survey, trend
from cryosegment.exchange.pick_summary import DOUBTS, GRADES

COLUMNS = (
    Column("set"),
    Column("picks", ","),
    Column("micrographs", ","),
    Column("each", ",.0f", "median number of picks on a micrograph"),
    Column("per µm²", ",.0f", "median density, in the area that the picks span"),
    Column("nearest (Å)", ".0f", "median distance to the nearest other pick"),
    Column("overlapping", ".1%", "picks with another within half a particle diameter"),
    Column("score", ".3g", "median of the micrographs' medians"),
    Column("picks by order", ".2f", "rank correlation of the numbers with the acquisition"),
    Column("score by order", ".2f", "rank correlation of the scores with the acquisition"),
    Column("picks by defocus", ".2f", "rank correlation of the numbers with the defocus"),
)


def survey_page(survey: Survey, looks: Looks, refresh: int = 0) -> Page:
    """Page of a survey.

    Parameters
    ----------
    survey
        The figures.
    looks
        What is seen of the picks.
    refresh
        As in `Page`.
    """
    sections = [_summary(survey)]
    if survey.agreement is not None:
        sections.append(agreement_section([own.label for own in survey.sets], survey.agreement))
    sections += [_acquisition(survey), _scores(survey), _arrangement(survey)]
    sections += [*_look(survey, looks), _flagged(survey)]
    sections += failures_section({**survey.failures, **looks.failures})
    labels = ", ".join(own.label for own in survey.sets)
    title = f"Picks of {labels}" if len(survey.sets) == 1 else "Picks of several pickers"
    return Page(title, sections, "" if len(survey.sets) == 1 else labels, refresh)


def _summary(survey: Survey) -> Section:
    picks = [own.picks for own in survey.sets]
    shown = f"{picks[0]:,}" if len(picks) == 1 else f"{min(picks):,} to {max(picks):,}"
    flagged = {name for own in survey.sets for name in own.remarks}
    facts = [
        Fact("micrographs", f"{len(survey.names):,}"),
        Fact("picks", shown),
        Fact("particle diameter", f"{survey.diameter:g} Å"),
        Fact("flagged micrographs", f"{len(flagged):,}"),
    ]
    rows = [_row(survey, own) for own in survey.sets]
    return Section(
        "Summary",
        [Facts(facts), Table(COLUMNS, rows)],
        "The last three columns are rank correlations, from -1 to 1: near 0, nothing drifts.",
    )


def _row(survey: Survey, own: SetSurvey) -> list[str | int | float]:
    order, scores = np.arange(len(survey.names), dtype=float), own.quartiles[:, 1]
    return [
        own.label,
        own.picks,
        int((~np.isnan(own.counts)).sum()),
        _median(own.counts),
        _median(own.densities),
        own.arrangement.nearest,
        own.arrangement.overlapping,
        _median(scores),
        trend(own.counts, order),
        trend(scores, order),
        trend(own.counts, survey.defocus),
    ]


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _acquisition(survey: Survey) -> Section:
    pictures = [
        figures.draw_counts(survey),
        *figures.draw_times(survey),
        *figures.draw_defocus(survey),
    ]
    return Section("Micrographs", [Pictures(pictures)])


def _scores(survey: Survey) -> Section:
    scored = [(own, number) for number, own in enumerate(survey.sets) if len(own.histogram)]
    if not scored:
        return Section("Scores", [Text("The picks have no scores.")])
    pictures = [
        *(figures.draw_scores(own, number) for own, number in scored),
        *(figures.draw_drift(own, number) for own, number in scored),
        *(rate for own, number in scored for rate in figures.draw_false_discoveries(own, number)),
    ]
    return Section("Scores", [Pictures(pictures)])


def _arrangement(survey: Survey) -> Section:
    pictures = [
        figures.draw_distances(own, number, survey.diameter)
        for number, own in enumerate(survey.sets)
        if own.picks
    ]
    return Section(
        "Distances",
        [Pictures(pictures)],
        "How many pairs of picks lie at each distance, relative to chance (1). More pairs than "
        "discs at random have come from particles picked twice (below the diameter) or from "
        "clusters (above); fewer, from an arrangement as in a crystal, or from a picker that "
        "leaves out neighbours.",
    )


def _look(survey: Survey, looks: Looks) -> list[Section]:
    if not looks.overlays:
        text = "Micrographs are needed to show the picks and their mean image: give --micrographs."
        return [Section("Mean image", [Text(text)])]
    parts = [
        Pictures(figures.draw_means(label, means)) for label, means in looks.means.items() if means
    ]
    mean = Section(
        "Mean image",
        [*parts, Pictures([figures.draw_profiles(looks.means, survey.diameter)])],
        "Means of images of picks, not aligned, by quarters of the scores, of two diameters. "
        "Particles show a disc in the middle; where picks of low scores show none, they are noise.",
    )
    return [mean, Section("Picks", [Overlays(looks.overlays)])]


def _flagged(survey: Survey) -> Section:
    known = {**GRADES, **DOUBTS}
    rows = [
        [name, own.label, "; ".join(own.remarks[name]), own.counts[i]]
        for own in survey.sets
        for i, name in enumerate(survey.names)
        if name in own.remarks
    ]
    if not rows:
        return Section("Flagged micrographs", [Text("None.")])
    columns = [Column("micrograph"), Column("set"), Column("remarks"), Column("picks", ",.0f")]
    met = {each for own in survey.sets for remarks in own.remarks.values() for each in remarks}
    meanings = "; ".join(f"{each}: {known[each]}" for each in sorted(met) if known.get(each))
    return Section("Flagged micrographs", [Table(columns, rows)], meanings)
