# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment evaluate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from cryosegment.cli.outcome import Outcome
from cryosegment.core.evaluation.metrics import ParticleMetrics, evaluate
from cryosegment.core.evaluation.report import evaluation_to_dict, write_report
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.job import Job
from cryosegment.exchange.names import match_names, name_of_picks
from cryosegment.exchange.params import EvaluateParams
from cryosegment.exchange.progress import Progress

COLUMNS = (
    ("picks", "picks", "d"),
    ("reference", "reference", "d"),
    ("precision", "precision", ".3f"),
    ("recall", "recall", ".3f"),
    ("F1", "f1", ".3f"),
    ("AP", "average_precision", ".3f"),
    ("best F1", "best_f1", ".3f"),
    ("at score", "best_threshold", ".3f"),
    ("error Å", "center_error_mean", ".1f"),
)

WIDTH = 9


def run_evaluate(job: Job, params: EvaluateParams, progress: Progress) -> Outcome:
    """Compare picks with a reference; print a table or JSON, and write a report on request."""
    picks = read_coordinates(params.picks, params.pixel_size)
    reference = read_coordinates(
        params.reference, params.pixel_size, height=params.height, y_up=params.y_up
    )
    picks = _of_the_same_micrograph(params.picks, picks, reference)
    evaluation = evaluate(picks, reference, params.diameter, params.tolerance)
    if job.output:
        write_report(job.output, evaluation)
    if params.json:
        print(json.dumps(evaluation_to_dict(evaluation), indent=2, ensure_ascii=False))
    else:
        print(_table([*evaluation.micrographs, evaluation.overall]))
        _warn("of the reference have no picks", evaluation.unpicked)
        _warn("with picks have no reference and do not count", evaluation.unreferenced)
    return Outcome()


def _of_the_same_micrograph(
    path: str, picks: dict[str, Coordinates], reference: dict[str, Coordinates]
) -> dict[str, Coordinates]:
    """The picks, those of a lone file under the reference's name if neither names another.

    A file that does not name its micrograph may be named in any way.
    """
    is_lone = list(picks) == [name_of_picks(path)] and len(reference) == 1
    if not is_lone or match_names(picks, list(reference)):
        return picks
    (own,), (name,) = picks, reference
    print(
        f"cryosegment: {path} does not name its micrograph: compared with {name} of the reference",
        file=sys.stderr,
    )
    return {name: picks[own].renamed(name)}


def _warn(text: str, names: Sequence[str]) -> None:
    if names:
        print(f"cryosegment: {len(names)} micrographs {text}, such as {names[0]}", file=sys.stderr)


def _table(rows: Sequence[ParticleMetrics]) -> str:
    width = max(len(row.name) for row in rows)
    head = "  ".join([" " * width, *(f"{title:>{WIDTH}}" for title, _, _ in COLUMNS)])
    lines = [
        "  ".join(
            [
                f"{row.name:<{width}}",
                *(f"{getattr(row, name):>{WIDTH}{form}}" for _, name, form in COLUMNS),
            ]
        )
        for row in rows
    ]
    return "\n".join([head, *lines])
