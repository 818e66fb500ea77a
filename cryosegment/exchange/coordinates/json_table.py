# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates as plain JSON, for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from cryosegment.exchange.cells import is_number
from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, read_json, write_text

COLUMNS = ("x", "y", "score", "diameter_angstrom")
MICROGRAPH, PARTICLES = "micrograph", "particles"


def read_picks_json(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Particles with x and y in px, and with scores and diameters (Å) where they are known."""
    facts = read_json(path)
    is_right = isinstance(facts, dict) and isinstance(facts.get(MICROGRAPH), str)
    particles = facts.get(PARTICLES) if is_right else None
    if not isinstance(particles, list) or not all(isinstance(each, dict) for each in particles):
        raise InputError(f"expected a {MICROGRAPH} and its {PARTICLES} in {path}, not found")
    rows = [[_number(path, each, column) for column in COLUMNS] for each in particles]
    x, y, scores, diameters = np.array(rows, dtype=np.float64).reshape(-1, len(COLUMNS)).T
    name, centers_yx = facts[MICROGRAPH], np.stack([y, x], axis=1)
    return {name: Coordinates(centers_yx, pixel_size, name, scores, diameters)}


def _number(path: Path, particle: Dict[str, Any], column: str) -> float:
    """A value of a particle; NaN where it is not known."""
    value: Any = particle.get(column)
    if value is None and column not in COLUMNS[:2]:
        return float("nan")
    if not is_number(value):
        got = str(value)[:40]
        raise InputError(f"expected a number as {column} of every particle in {path}, got {got}")
    return float(value)


def write_picks_json(path: PathLike, coordinates: Coordinates, box_size: float) -> None:
    """Write the micrograph and its particles, unknown values as null; it has no box size."""
    columns = [
        coordinates.centers_yx[:, 1].round(3),
        coordinates.centers_yx[:, 0].round(3),
        coordinates.scores.round(6),
        coordinates.diameters.round(3),
    ]
    rows = np.stack(columns, axis=1).tolist()
    particles: List[Dict[str, Any]] = [
        {name: None if value != value else value for name, value in zip(COLUMNS, row)}
        for row in rows
    ]
    facts = {MICROGRAPH: coordinates.name, PARTICLES: particles}
    write_text(path, json.dumps(facts, indent=1) + "\n")
