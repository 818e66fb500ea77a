# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment evaluate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cryosegment.cli.mask_evaluation import evaluate_masks
from cryosegment.cli.outcome import Outcome
from cryosegment.cli.set_names import set_names
from cryosegment.core.evaluation.intervals import differences
from cryosegment.core.evaluation.metrics import score
from cryosegment.core.evaluation.page import write_evaluation_page
from cryosegment.core.evaluation.rules import Ignored, Rules
from cryosegment.core.images.contamination_maps import ContaminationMaps
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.evaluation import (
    Difference,
    Evaluation,
    as_json,
    read_picks,
    write_evaluation,
    write_tables,
)
from cryosegment.exchange.job import Job
from cryosegment.exchange.micrographs import files_of
from cryosegment.exchange.params import EvaluateParams
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import counted

COLUMNS = (
    ("picks", "picks", "d"),
    ("reference", "reference", "d"),
    ("precision", "precision", ".3f"),
    ("recall", "recall", ".3f"),
    ("F1", "f1", ".3f"),
    ("AP", "average_precision", ".3f"),
    ("best F1", "best_f1", ".3f"),
    ("at score", "best_threshold", ".3f"),
    ("centring Å", "center_error_median", ".1f"),
)
WIDTH = 10


def run_evaluate(job: Job, params: EvaluateParams, progress: Progress) -> Outcome:
    """Compare picks with a reference; print a table or JSON, and write a report on request."""
    evaluation = evaluate_files(params, progress)
    if job.output:
        write_evaluation(job.output, evaluation)
        write_tables(job.output, evaluation)
        names = [row.name for row in evaluation.sets[0].micrographs]
        files = files_of(names, params.micrographs) if params.micrographs else {}
        write_evaluation_page(job.output, evaluation, files)
    if params.json:
        values = [as_json(own) for own in evaluation.sets]
        found = values[0] if len(values) == 1 else values
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return Outcome()
    print(table(evaluation))
    for own in evaluation.sets:
        for text in own.lacking():
            _tell(f"{own.name}: {text}")
    counts = {"sets": len(evaluation.sets), "micrographs": len(evaluation.sets[0].micrographs)}
    made = f"{counted(counts['sets'], 'set')}, {counted(counts['micrographs'], 'micrograph')}"
    return Outcome(made if job.output else "", counts=counts)


def evaluate_files(params: EvaluateParams, progress: Progress) -> Evaluation:
    """All sets of picks, and their masks, against the reference.

    Raises
    ------
    InputError
        If a file cannot be read, or a set is of other micrographs than the reference.
    """
    size, rules = params.pixel_size, Rules.of(params)
    reference = read_coordinates(params.reference, size, height=params.height, y_up=params.y_up)
    ignored = Regions(params, list(reference)).of
    names = set_names(params.picks, params.names)
    sets, draws = [], []
    for number, (name, path) in enumerate(zip(names, params.picks, strict=True)):
        picks = read_picks(path, size, reference, _tell)
        scored = score(name, picks, reference, rules, ignored)
        own = replace(scored.evaluation, file=path)
        if params.masks:
            own = evaluate_masks(own, params, params.masks[number], picks, ignored)
        sets.append(own)
        draws.append(scored.draws)
        if len(names) > 1:
            progress(number + 1, len(names), name)
    return Evaluation(
        reference=params.reference,
        diameter=params.diameter,
        distance=params.reach,
        pixel_size=size,
        beta=params.beta,
        sets=tuple(sets),
        differences=differences(names, [own.overall for own in sets], draws),
        y_up=params.y_up,
        height=params.height or 0,
        box=params.side if rules.by_boxes else 0.0,
        overlap=params.overlap if rules.by_boxes else 0.0,
    )


class Regions:
    """What does not count on each micrograph.

    Raises
    ------
    InputError
        If contamination maps were given, and none is of a micrograph of the reference.
    """

    def __init__(self, params: EvaluateParams, names: Sequence[str]) -> None:
        self._margin, self._shape = params.margin, params.shape
        self._pixel_size = params.pixel_size
        self._maps: ContaminationMaps | None = None
        if params.contamination:
            self._maps = ContaminationMaps(Path(params.contamination), names)
            self._maps.check()
            if self._maps.note:
                _tell(self._maps.note)

    def of(self, name: str) -> Ignored:
        """Those of a micrograph."""
        border = self._shape if self._margin else None
        if self._maps is None:
            return Ignored(self._margin, border)
        shape = self._shape or self._maps.shape(name, self._pixel_size)
        return Ignored(self._margin, border, shape and self._maps.area(name, shape))


def _tell(text: str) -> None:
    print(f"cryosegment: {text}", file=sys.stderr)


def table(evaluation: Evaluation) -> str:
    """A row for each micrograph of a single set, or for each of several sets."""
    if len(evaluation.sets) == 1:
        (own,) = evaluation.sets
        return "\n".join(_rows({row.name: row for row in (*own.micrographs, own.overall)}))
    rows = _rows({own.name: own.overall for own in evaluation.sets})
    return "\n".join([*rows, *_comparisons(evaluation)])


def _rows(metrics: Mapping[str, object]) -> list[str]:
    width = max(map(len, metrics))
    head = "  ".join([" " * width, *(f"{title:>{WIDTH}}" for title, _, _ in COLUMNS)])
    return [
        head,
        *(
            "  ".join(
                [
                    f"{label:<{width}}",
                    *(f"{getattr(row, name):>{WIDTH}{form}}" for _, name, form in COLUMNS),
                ]
            )
            for label, row in metrics.items()
        ),
    ]


def _comparisons(evaluation: Evaluation) -> list[str]:
    """How far the set of the highest F1 is above each other."""
    best = evaluation.best.name
    return [
        _comparison(best, each)
        for each in evaluation.differences
        if each.figure == "f1" and best in (each.first, each.second)
    ]


def _comparison(best: str, each: Difference) -> str:
    other, value, low, high = each.second, each.value, each.low, each.high
    if best == each.second:
        other, value, low, high = each.first, -value, -high, -low
    return (
        f"F1 of {best} is above that of {other} by {value:.3f} (95 % interval: {low:.3f} to "
        f"{high:.3f})"
    )
