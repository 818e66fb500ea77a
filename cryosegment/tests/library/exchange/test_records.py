# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import pytest

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.records import Record, record_from_dict, record_to_dict


@dataclass(frozen=True)
class Lens(Record):
    focal: float = field(default=2.0, metadata={"minimum": 1, "maximum": 9, "unit": "mm"})
    coating: str = field(default="none", metadata={"choices": ("none", "blue")})


@dataclass(frozen=True)
class Microscope(Record):
    name: str
    size: Tuple[int, float]
    lens: Lens = Lens()
    spare: Optional[Lens] = None
    others: Tuple[Lens, ...] = ()
    stages: Tuple[str, ...] = ()
    is_cold: bool = False
    manual: Path = Path("manual.txt")
    facts: Dict[str, Any] = field(default_factory=dict)
    counts: Dict[str, int] = field(default_factory=dict)


WHOLE = Microscope(
    "a",
    (3, 0.5),
    Lens(3.0, "blue"),
    Lens(),
    (Lens(4.0), Lens(5.0)),
    ("x", "y"),
    True,
    Path("m/b.txt"),
    {"deep": [{"er": None}]},
    {"n": 3},
)
LEAST = {"name": "a", "size": [1, 2]}


def test_a_record_survives_json():
    values = json.loads(json.dumps(record_to_dict(WHOLE)))
    assert values["lens"] == {"focal": 3.0, "coating": "blue"}
    assert values["size"] == [3, 0.5]
    assert values["others"][1]["focal"] == 5.0
    assert values["manual"] == "m/b.txt"
    assert record_from_dict(Microscope, values) == WHOLE


def test_what_is_left_out_takes_its_default():
    made = record_from_dict(Microscope, LEAST)
    assert made == Microscope("a", (1, 2.0))
    assert isinstance(made.size[1], float)
    assert record_from_dict(Microscope, {**LEAST, "spare": None}).spare is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "^colour is unknown: expected name, size, lens"),
        ({"name": None}, "expected name to be of type str, got None"),
        ({"size": [1]}, "expected 2 values of size"),
        ({"size": [1.5, 2]}, "expected size to be of type int, got 1.5"),
        ({"size": [True, 2]}, "expected size to be of type int, got True"),
        ({"is_cold": 1}, "expected is_cold to be of type bool, got 1"),
        ({"stages": "xy"}, "expected a list of values of stages, got 'xy'"),
        ({"manual": 3}, "expected manual to be of type Path, got 3"),
        ({"facts": []}, r"expected facts to be values by name, got \[\]"),
        ({"counts": {"n": "3"}}, "expected n of counts to be of type int, got '3'"),
        ({"lens": 3}, "in lens: expected values by name, got 3"),
        ({"lens": {"focal": 10}}, "in lens: expected focal to be at least 1 and at most 9 mm"),
        ({"lens": {"focal": 10**400}}, "in lens: expected focal to be a finite number"),
        ({"lens": {"focal": float("nan")}}, "in lens: expected focal .* got nan"),
        ({"spare": {"coating": "red"}}, "in spare: expected coating to be one of none, blue"),
        ({"others": [{}, {"zoom": 1}]}, "in others: zoom is unknown"),
    ],
)
def test_values_that_do_not_fit(change, message):
    with pytest.raises(ParameterError, match=message):
        record_from_dict(Microscope, {**LEAST, **change})


def test_what_is_missing_is_named():
    with pytest.raises(ParameterError, match="size is missing: it has no default"):
        record_from_dict(Microscope, {"name": "a"})
    with pytest.raises(ParameterError, match=r"expected values by name, got \[1\]"):
        record_from_dict(Microscope, [1])


def test_a_record_is_checked_when_it_is_made():
    with pytest.raises(ParameterError, match="focal to be at least 1"):
        Lens(0.5)
