# SPDX-License-Identifier: GPL-3.0-or-later
"""What all parameters share: fields with help, unit and bounds, and their JSON form."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import MISSING, dataclass
from typing import Any, Dict, Mapping, Optional, Sequence, Set, Type, TypeVar

from cryosegment.exchange.card import GENERAL
from cryosegment.exchange.errors import ParameterError

REQUIRED: Any = MISSING
"""Default of a parameter that must be given."""

LARGEST = 10**300
"""Whole numbers beyond this are none that a float can be."""
P = TypeVar("P", bound="Params")


def param(
    default: Any,
    help: str,
    unit: str = "",
    minimum: Optional[float] = None,
    maximum: Optional[float] = None,
    **more: Any,
) -> Any:
    """A dataclass field with its help, unit and bounds.

    `more` may hold `choices` (the allowed values), `flag` (the option's name, where it is not
    the field's), `metavar` (what stands for the value in the help), `is_path` (a file or folder),
    `names` (values that are not paths but name something that is shipped) and `is_free` (a resumed
    run may change it: what is finished stays as good).
    """
    metadata = {"help": help, "unit": unit, "minimum": minimum, "maximum": maximum, **more}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Params:
    """Parameters that are checked against their bounds when they are made."""

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
    """A parameter's name in messages, which users of options and of forms read."""
    return name.replace("_", " ")


def check_value(name: str, value: Any, metadata: Mapping[str, Any]) -> None:
    """Check a value against the choices and bounds of its metadata.

    Raises
    ------
    ParameterError
        If it is out of bounds or is no allowed choice.
    """
    choices: Optional[Sequence[Any]] = metadata.get("choices")
    if choices is not None and value not in choices:
        allowed = ", ".join(map(str, choices))
        raise ParameterError(f"expected {in_words(name)} to be one of {allowed}, got {value!r}")
    if isinstance(value, (bool, str)) or value is None:
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


def option_name(cls: Type[Params], name: str) -> str:
    """Option of the command line for the parameter `name` of a class."""
    flags = {
        field.name: field.metadata.get("flag", field.name) for field in dataclasses.fields(cls)
    }
    return "--" + flags[name].replace("_", "-")


def free_to_change(cls: Type[Params]) -> Set[str]:
    """Names of the parameters of a class that a resumed run may change."""
    return {field.name for field in dataclasses.fields(cls) if field.metadata.get("is_free")}


def params_to_dict(params: Params) -> Dict[str, Any]:
    """Parameters by name, as JSON can hold them."""
    values = dataclasses.asdict(params)
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def params_from_dict(cls: Type[P], values: Mapping[str, Any]) -> P:
    """Parameters of class `cls` from JSON values.

    Raises
    ------
    ParameterError
        If a parameter is unknown, missing, of the wrong type, or out of bounds.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for name in values:
        if name not in fields:
            raise ParameterError(f"parameter {name} is unknown: expected {', '.join(fields)}")
    for name, field in fields.items():
        if field.default is MISSING and name not in values:
            raise ParameterError(f"parameter {name} is missing: it has no default")
    checked = {name: _from_json(fields[name], value) for name, value in values.items()}
    return cls(**checked)


@dataclass(frozen=True)
class Kind:
    """Type of a parameter's value: its name, whether None is allowed, how many values."""

    name: str
    is_optional: bool
    count: str  # "1", a larger number, or "any"


def kind_of(field: dataclasses.Field[Any]) -> Kind:
    """Kind of a parameter, from its annotation."""
    annotation = str(field.type)
    is_optional = annotation.startswith("Optional[")
    name = annotation[len("Optional[") : -1] if is_optional else annotation
    if not name.startswith("Tuple["):
        return Kind(name, is_optional, "1")
    items = name[len("Tuple[") : -1].split(", ")
    return Kind(items[0], is_optional, "any" if items[-1] == "..." else str(len(items)))


def _from_json(field: dataclasses.Field[Any], value: Any) -> Any:
    kind = kind_of(field)
    if kind.is_optional and value is None:
        return None
    if kind.count == "1":
        return _plain(field.name, kind.name, value)
    if not isinstance(value, (list, tuple)) or kind.count not in ("any", str(len(value))):
        raise ParameterError(f"expected {kind.count} values of {field.name}, got {value!r}")
    return tuple(_plain(field.name, kind.name, item) for item in value)


def _plain(name: str, kind: str, value: Any) -> Any:
    types = {"float": (int, float), "int": (int,), "str": (str,), "bool": (bool,)}
    is_right = isinstance(value, types.get(kind, ()))
    if not is_right or (isinstance(value, bool) and kind != "bool"):
        raise ParameterError(f"expected {name} to be of type {kind}, got {value!r}")
    return float(value) if kind == "float" and abs(value) <= LARGEST else value


PIXEL_SIZE_HELP = "pixel size of the micrographs"
HEADER_PIXEL_SIZE_HELP = PIXEL_SIZE_HELP + "; if left out, that of the file's header"
MODEL_HELP = "model file, or general for the shipped model"
DIAMETER_HELP = "particle diameter; of elongated particles, the longest dimension"
ONE_GPU_HELP = "auto (a GPU if there is one), cpu, or the number of a GPU, such as 0"
GPU_HELP = "auto (a GPU if there is one), cpu, or the numbers of the GPUs, such as 0,1"
THREADS_HELP = "CPU threads; 0: one for each core, or what OMP_NUM_THREADS says"
SEED_HELP = "seed of the random numbers"
RESUME_HELP = "continue an earlier run: skip what it has finished"
Y_UP_HELP = "the y axis of the coordinate files points up: y counts from the last row of the image"
FILE: Dict[str, Any] = {"metavar": "FILE", "is_path": True}
PATH: Dict[str, Any] = {"metavar": "FILE_OR_DIR", "is_path": True}
MODEL_PATH: Dict[str, Any] = {"metavar": "MODEL", "is_path": True, "names": (GENERAL,)}
