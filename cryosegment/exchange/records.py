# SPDX-License-Identifier: GPL-3.0-or-later
"""Records: frozen dataclasses that check their values, and their JSON form.

The parameters of commands, jobs, model cards and the index of labels are all read here.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import (
    Any,
    Dict,
    Mapping,
    Optional,
    Sequence,
    Type,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from cryosegment.exchange.errors import ParameterError

LARGEST = 10**300
"""Whole numbers beyond this are none that a float can be."""
JSON_TYPES: Dict[type, Sequence[type]] = {
    float: (float, int),
    int: (int,),
    str: (str,),
    bool: (bool,),
    Path: (str,),
}
"""Types of the JSON values from which a value of a type is made."""
_TYPES: Dict[type, Dict[str, Any]] = {}  # resolving annotations takes longer than reading values
R = TypeVar("R", bound="Record")


@dataclass(frozen=True)
class Record:
    """Values that are checked when they are made against the choices and bounds of their fields."""

    def __post_init__(self) -> None:
        """Check every field.

        Raises
        ------
        ParameterError
            If a value is out of bounds or is no allowed choice.
        """
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            for item in value if isinstance(value, tuple) else (value,):
                check_value(field.name, item, field.metadata)


def in_words(name: str) -> str:
    """A field's name in messages, which users of options and of forms read."""
    return name.replace("_", " ")


def parse_number(name: str, text: str) -> float:
    """The number in the text of a field that may also be auto.

    Raises
    ------
    ParameterError
        If it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise ParameterError(
            f"expected {in_words(name)} to be auto or a number, got {text!r}"
        ) from None


def check_value(name: str, value: Any, metadata: Mapping[str, Any]) -> None:
    """Check a value against the choices and bounds of its metadata.

    Raises
    ------
    ParameterError
        If it is no allowed choice, or a number that is not finite or out of bounds.
    """
    choices: Optional[Sequence[Any]] = metadata.get("choices")
    if choices is not None and value not in choices:
        allowed = ", ".join(map(str, choices))
        raise ParameterError(f"expected {in_words(name)} to be one of {allowed}, got {value!r}")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    if abs(value) > LARGEST:
        raise ParameterError(f"expected {in_words(name)} to be a finite number, got a huge one")
    low, high = metadata.get("minimum"), metadata.get("maximum")
    is_wrong = (
        not math.isfinite(value)
        or (low is not None and value < low)
        or (high is not None and value > high)
    )
    if is_wrong:
        unit = f" {metadata['unit']}" if metadata.get("unit") else ""
        bounds = [f"at least {low:g}"] if low is not None else []
        bounds += [f"at most {high:g}"] if high is not None else []
        expected = " and ".join(bounds) or "a finite number"
        raise ParameterError(f"expected {in_words(name)} to be {expected}{unit}, got {value:g}")


def field_types(cls: type) -> Dict[str, Any]:
    """Type of every field of a class of records, by name."""
    if cls not in _TYPES:
        _TYPES[cls] = get_type_hints(cls)
    return _TYPES[cls]


def record_to_dict(record: Record) -> Dict[str, Any]:
    """The values of a record by name, as JSON can hold them."""
    return {name: _to_json(getattr(record, name)) for name in field_types(type(record))}


def _to_json(value: Any) -> Any:
    if isinstance(value, Record):
        return record_to_dict(value)
    if isinstance(value, (tuple, list)):
        return [_to_json(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def record_from_dict(cls: Type[R], values: Any) -> R:
    """Record of class `cls` from JSON values by name.

    Raises
    ------
    ParameterError
        If they are not values by name; or one is unknown, missing, of the wrong type, or out of
        bounds.
    """
    if not isinstance(values, dict):
        raise ParameterError(f"expected values by name, got {values!r}")
    types = field_types(cls)
    for name in values:
        if name not in types:
            raise ParameterError(f"{name} is unknown: expected {', '.join(types)}")
    for field in dataclasses.fields(cls):
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        if field.name not in values and not has_default:
            raise ParameterError(f"{field.name} is missing: it has no default")
    return cls(**{name: _from_json(name, types[name], value) for name, value in values.items()})


def _from_json(name: str, kind: Any, value: Any) -> Any:
    """A value of a type from its JSON form; `name` is that of the field, for errors."""
    origin, items = get_origin(kind), get_args(kind)
    if origin is Union:
        return None if value is None else _from_json(name, items[0], value)
    if origin is tuple:
        is_any = items[-1] is Ellipsis
        is_list = isinstance(value, (list, tuple))
        if not is_list or not (is_any or len(value) == len(items)):
            count = "a list of" if is_any else str(len(items))
            raise ParameterError(f"expected {count} values of {name}, got {value!r}")
        kinds = items[:1] * len(value) if is_any else items
        return tuple(_from_json(name, item, part) for item, part in zip(kinds, value))
    if origin is dict:
        if not isinstance(value, dict):
            raise ParameterError(f"expected {name} to be values by name, got {value!r}")
        return {key: _from_json(f"{key} of {name}", items[1], v) for key, v in value.items()}
    if kind is Any:
        return value
    if issubclass(kind, Record):
        try:
            return record_from_dict(kind, value)
        except ParameterError as error:
            raise ParameterError(f"in {in_words(name)}: {error}") from None
    return _plain(name, kind, value)


def _plain(name: str, kind: type, value: Any) -> Any:
    is_right = isinstance(value, tuple(JSON_TYPES[kind]))
    if not is_right or (isinstance(value, bool) and kind is not bool):
        raise ParameterError(f"expected {name} to be of type {kind.__name__}, got {value!r}")
    if kind is float and abs(value) > LARGEST:
        return value  # the record says so in its own words
    return kind(value)
