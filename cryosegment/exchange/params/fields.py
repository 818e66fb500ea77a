# SPDX-License-Identifier: GPL-3.0-or-later
"""What all parameters share: fields with help, unit and bounds."""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, dataclass
from typing import Any, Dict, Optional, Set, Type, TypeVar, Union, get_args, get_origin

from cryosegment.exchange.model_files import GENERAL
from cryosegment.exchange.records import Record, field_types

AUTO = "auto"
"""Value of a parameter that something else decides: see `cryosegment.exchange.settings` and
`training_settings`, and for what depends on the machine or the image, their readers."""
REQUIRED: Any = MISSING
"""Default of a parameter that must be given."""

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
    `names` (values that are not paths but name something that is shipped), `is_row` (several paths
    may follow one option) and `is_free` (a resumed run may change it: what is finished stays as
    good).
    """
    metadata = {"help": help, "unit": unit, "minimum": minimum, "maximum": maximum, **more}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Params(Record):
    """Parameters of a command, or of a part of it, with help and unit in the metadata of each."""


def auto_or_given(text: str) -> str:
    """What a parameter that may be auto says: in small letters; auto where it is empty."""
    return text.strip().lower() or AUTO


def option_name(cls: Type[Params], name: str) -> str:
    """Option of the command line for the parameter `name` of a class."""
    flags = {
        field.name: field.metadata.get("flag", field.name) for field in dataclasses.fields(cls)
    }
    return "--" + flags[name].replace("_", "-")


def free_to_change(cls: Type[Params]) -> Set[str]:
    """Names of the parameters of a class that a resumed run may change."""
    return {field.name for field in dataclasses.fields(cls) if field.metadata.get("is_free")}


@dataclass(frozen=True)
class Kind:
    """What a parameter holds: the type of one value, and how many values."""

    type: type
    count: str  # "1", a larger number, or "any"


def kind_of(cls: Type[Params], name: str) -> Kind:
    """Kind of the parameter `name` of a class."""
    kind = field_types(cls)[name]
    if get_origin(kind) is Union:  # Optional
        kind = get_args(kind)[0]
    if get_origin(kind) is not tuple:
        return Kind(kind, "1")
    items = get_args(kind)
    return Kind(items[0], "any" if items[-1] is Ellipsis else str(len(items)))


PIXEL_SIZE_HELP = "pixel size of the micrographs"
HEADER_PIXEL_SIZE_HELP = PIXEL_SIZE_HELP + "; if left out, that of the file's header"
MODEL_HELP = "model file, or general for the shipped model"
DIAMETER_HELP = "particle diameter; of elongated particles, the longest dimension"
ONE_GPU_HELP = "auto (a GPU if there is one), cpu, or the number of a GPU, such as 0"
GPU_HELP = "auto (a GPU if there is one), cpu, or the numbers of the GPUs, such as 0,1"
THREADS_HELP = "CPU threads; 0: one for each core, or what OMP_NUM_THREADS says"
SET_NAMES_HELP = "names of the sets, with commas between them; if left out, those of their files"
SEED_HELP = "seed of the random numbers"
RESUME_TRAINING_HELP = "continue an interrupted training, or prolong a finished one"
RESUME_HELP = "continue an earlier run: skip what it has finished"
Y_UP_HELP = "the y axis of the coordinate files points up: y counts from the last row of the image"
FILE: Dict[str, Any] = {"metavar": "FILE", "is_path": True}
PATH: Dict[str, Any] = {"metavar": "FILE_OR_DIR", "is_path": True}
MODEL_PATH: Dict[str, Any] = {"metavar": "MODEL", "is_path": True, "names": (GENERAL,)}
