# SPDX-License-Identifier: GPL-3.0-or-later
"""Form fields made from the parameter records, the one home of defaults, units and help."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, Optional, Type

from pyworkflow.protocol import params

from cryosegment.exchange.params import Params


def field_defaults(record: Type[Params]) -> Dict[str, Any]:
    """Default of each field of a parameter record; None where there is none."""
    missing = dataclasses.MISSING
    return {
        field.name: None if field.default is missing else field.default
        for field in dataclasses.fields(record)
    }


def add_field(
    form: Any,
    record: Type[Params],
    name: str,
    label: str,
    attribute: Optional[str] = None,
    **options: Any,
) -> None:
    """Add the form field of a record's parameter: its default, unit, choices and help.

    Parameters
    ----------
    form
        Form, section or group to add to.
    record, name
        Class of the parameter record, and the parameter's name in it.
    label
        Label in the form; the unit is added.
    attribute
        Name of the protocol's attribute; left out: `name`.
    options
        Further options of the form parameter; `help` adds to the record's help.
    """
    field = {item.name: item for item in dataclasses.fields(record)}[name]
    default = field_defaults(record)[name]
    choices, unit = field.metadata.get("choices"), field.metadata.get("unit")
    if choices:
        options.update(choices=list(choices))
        default = list(choices).index(default)
    options["help"] = _sentence(field.metadata["help"]) + options.get("help", "")
    form.addParam(
        attribute or name,
        _kind(str(field.type), bool(choices)),
        default=default,
        label=f"{label} ({unit})" if unit else label,
        **options,
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ".\n"


def _kind(annotation: str, is_choice: bool) -> Type[params.Param]:
    if is_choice:
        return params.EnumParam
    kinds = {"float": params.FloatParam, "int": params.IntParam, "bool": params.BooleanParam}
    return kinds.get(annotation, params.StringParam)
