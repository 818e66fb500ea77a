# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing `evaluation.json`.

Figures that cannot be measured are NaN in records and null in the file.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Dict

from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.evaluation.evaluation import Evaluation
from cryosegment.exchange.evaluation.figures import Figures
from cryosegment.exchange.files import PathLike, read_json, write_text
from cryosegment.exchange.records import record_from_dict, record_to_dict

EVALUATION_NAME, VERSION = "evaluation.json", 1


def write_evaluation(folder: PathLike, evaluation: Evaluation) -> None:
    """Write `evaluation.json`, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    values = {"version": VERSION, **as_json(evaluation)}
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"
    write_text(Path(folder, EVALUATION_NAME), text)


def as_json(figures: Figures) -> Dict[str, Any]:
    """Figures by name as JSON has them: null for NaN; what is absent is left out."""
    values: Dict[str, Any] = _without_nan(record_to_dict(figures))
    return values


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def read_evaluation(path: PathLike) -> Evaluation:
    """Evaluation from its file, or from the output folder that has it.

    Raises
    ------
    InputError
        If it is missing, of another version or not such a file.
    """
    path = Path(path)
    path = path / EVALUATION_NAME if path.is_dir() else path
    values = read_json(path)
    version = values.pop("version", None) if isinstance(values, dict) else None
    if version != VERSION:
        raise InputError(
            f"expected an evaluation of version {VERSION} in {path}, got version {version}: "
            "evaluate again"
        )
    try:
        return record_from_dict(Evaluation, _with_nan(values))
    except ParameterError as error:
        raise InputError(f"{path} is no evaluation: {error}: evaluate again") from error


def _with_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_nan(item) for item in value]
    return math.nan if value is None else value
