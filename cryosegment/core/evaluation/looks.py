# SPDX-License-Identifier: GPL-3.0-or-later
"""Hits, misses and false picks on their micrographs, and contact sheets of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, UInt8

from cryosegment.core.evaluation import styles
from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.report import MarkStyle, Overlay, Place, Sheet, Tile, photograph
from cryosegment.core.report.choice import evenly
from cryosegment.core.report.micrographs import ShownMicrograph, show_micrograph
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.evaluation import (
    ALONE,
    DUPLICATE,
    IGNORED,
    PAIRED,
    Evaluation,
    Marked,
    read_marked,
)

SHOWN = 20
"""Micrographs on a page."""
TILES = 40
"""Small pictures on a contact sheet."""
SHEETS = (styles.HIT, styles.MISSED, styles.FALSE)


@dataclass(frozen=True)
class Looks:
    """What a page shows of micrographs.

    Parameters
    ----------
    overlays
        Micrographs with marks.
    sheets
        Contact sheets, those of each set after each other.
    failures
        Why others could not be read, by name.
    """

    overlays: Sequence[Overlay]
    sheets: Sequence[Sheet]
    failures: Mapping[str, str] = field(default_factory=dict)


def look_at(evaluation: Evaluation, files: Mapping[str, str]) -> Looks:
    """Pictures of an evaluation of files.

    Parameters
    ----------
    files
        Micrograph files by the names in the reference; of many, some are shown, evenly from the
        worst F1 to the best of the first set.

    Raises
    ------
    InputError
        If picks or reference cannot be read again.
    """
    every = [read_marked(evaluation, number) for number in range(len(evaluation.sets))]
    ranked = sorted(evaluation.sets[0].micrographs, key=lambda row: (row.f1 != row.f1, row.f1))
    names = [row.name for row in ranked if row.name in files]
    overlays, cuts, failures = [], [], {}
    for name in evenly(names, SHOWN):
        try:
            micrograph = read_micrograph(files[name], evaluation.pixel_size, name)
        except InputError as error:
            failures[name] = str(error)
            continue
        shown = show_micrograph(micrograph, evaluation.diameter)
        marks = []
        for own, marked in zip(evaluation.sets, every):
            kinds = _kinds(marked[name], evaluation.pixel_size)
            marks += [shown.marks(kind, each.centers_yx, own.name) for kind, each in kinds.items()]
            cuts += _cut(shown, kinds, own.name)
        overlays.append(shown.overlay(marks))
    return Looks(overlays, _sheets(cuts, evaluation), failures)


@dataclass(frozen=True)
class _Found:
    """Centres of one kind (px of the micrograph) and their scores, nan where they have none."""

    centers_yx: Float[np.ndarray, "n 2"]
    scores: Float[np.ndarray, " n"]


def _kinds(marked: Marked, pixel_size: float) -> dict[MarkStyle, _Found]:
    """Picks and particles by kind; of a kind without a contact sheet only if it occurs."""
    picks = marked.picks.at_pixel_size(pixel_size)
    reference = marked.reference.at_pixel_size(pixel_size)
    found = {}
    for style, places, marks, sign in (
        (styles.HIT, picks, marked.pick_marks, PAIRED),
        (styles.MISSED, reference, marked.reference_marks, ALONE),
        (styles.FALSE, picks, marked.pick_marks, ALONE),
        (styles.DUPLICATE, picks, marked.pick_marks, DUPLICATE),
        (styles.NOT_COUNTED, picks, marked.pick_marks, IGNORED),
    ):
        chosen = places.select(marks == sign)
        if len(chosen) or style in SHEETS:
            found[style] = _Found(chosen.centers_yx, chosen.scores)
    return found


@dataclass(frozen=True)
class _Cut:
    """A small picture, and what it is of."""

    style: MarkStyle
    group: str
    score: float
    image: UInt8[np.ndarray, "s s"]
    place: Place


def _cut(shown: ShownMicrograph, kinds: Mapping[MarkStyle, _Found], group: str) -> list[_Cut]:
    """Small pictures of each kind from a micrograph."""
    cuts = []
    for style in SHEETS:
        found = kinds[style]
        rows = np.array(evenly(np.argsort(-found.scores, kind="stable").tolist(), TILES), int)
        centers_yx = found.centers_yx[rows]
        for image, center, score in zip(shown.cut(centers_yx), centers_yx, found.scores[rows]):
            cuts.append(_Cut(style, group, float(score), image, shown.link(center, group)))
    return cuts


def _sheets(cuts: Sequence[_Cut], evaluation: Evaluation) -> list[Sheet]:
    """A sheet of each kind of each set: the best scores first."""
    sheets = []
    for own in evaluation.sets:
        for style in SHEETS:
            chosen = [cut for cut in cuts if (cut.style, cut.group) == (style, own.name)]
            chosen.sort(key=lambda cut: (cut.score != cut.score, -cut.score))
            if chosen:
                title = f"{own.name}: {style.label}" if len(evaluation.sets) > 1 else style.label
                sheets.append(
                    Sheet(title, [_tile(cut) for cut in evenly(chosen, TILES)], style.color)
                )
    return sheets


def _tile(cut: _Cut) -> Tile:
    caption = "" if cut.score != cut.score else f"{cut.score:#.3g}"
    alt = f"{cut.style.label}, on {cut.place.micrograph}"
    return Tile(photograph(cut.image, alt, caption), cut.place)
