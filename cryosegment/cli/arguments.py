# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the command line, made from the fields of a parameter class."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

from cryosegment.exchange.params import P, Params, kind_of, option_name

UNIT_SIGNS = str.maketrans({"Å": "A", "°": "DEGREES", "⁻": "-", "²": "2"})
"""Signs of units in letters that every keyboard has."""
Field = dataclasses.Field[Any]


def add_options(parser: argparse.ArgumentParser, params: type[Params]) -> list[str]:
    """Add an option for every parameter; those left out are not in the namespace.

    Returns
    -------
    The options that must be given, as they are written.
    """
    needed = []
    for field in dataclasses.fields(params):
        required = field.default is dataclasses.MISSING
        name, arguments = option_name(params, field.name), _value_arguments(params, field)
        parser.add_argument(
            name,
            dest=field.name,
            default=argparse.SUPPRESS,
            required=required,
            help=_help(params, field),
            **arguments,
        )
        needed += [f"{name} {arguments['metavar']}"] if required else []
    return needed


def _value_arguments(params: type[Params], field: Field) -> dict[str, Any]:
    kind = kind_of(params, field.name)
    if kind.type is bool:
        return {"action": "store_true"}
    choices = field.metadata.get("choices")
    arguments: dict[str, Any] = {"metavar": field.metadata.get("metavar") or _metavar(field)}
    if kind.count == "any" and field.metadata.get("is_path"):
        row = {"action": "extend", "nargs": "+"}
        return {**arguments, **(row if field.metadata.get("is_row") else {"action": "append"})}
    if kind.count == "any":
        return {**arguments, "type": _comma_separated(kind.type)}
    arguments["type"] = kind.type
    if kind.count != "1":
        arguments["nargs"] = int(kind.count)
    elif choices is not None:
        arguments["choices"] = choices
    return arguments


def _comma_separated(convert: type) -> Callable[[str], list[Any]]:
    def comma_separated(text: str) -> list[Any]:
        return [convert(item) for item in text.split(",") if item]

    return comma_separated


def _metavar(field: Field) -> str:
    unit = field.metadata["unit"]
    if unit:
        return str(unit.translate(UNIT_SIGNS))
    return "NAME" if "choices" in field.metadata else field.name.rsplit("_", 1)[-1].upper()


def _help(params: type[Params], field: Field) -> str:
    text, unit, default = field.metadata["help"], field.metadata["unit"], field.default
    if unit:
        text += f" [{unit}]"
    if choices := field.metadata.get("choices"):
        is_list = kind_of(params, field.name).count == "any"
        names = ", ".join(choices)
        text += f"; any of {names}, separated by commas" if is_list else f"; one of {names}"
    if default is dataclasses.MISSING:
        text += " (required)"
    elif default is not False and default not in (None, "", ()):
        shown = default if isinstance(default, tuple) else (default,)
        text += f" (default: {' '.join(map(_shown, shown))})"
    return str(text).replace("%", "%%")


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def params_from_namespace(cls: type[P], namespace: argparse.Namespace) -> P:
    """Parameters of class `cls` from parsed options; paths become absolute.

    Raises
    ------
    ParameterError
        If a value is out of its bounds.
    """
    values = {}
    for field in dataclasses.fields(cls):
        if not hasattr(namespace, field.name):
            continue
        value = getattr(namespace, field.name)
        if field.metadata.get("is_path"):
            names = field.metadata.get("names", ())
            many = isinstance(value, list)
            value = [_absolute(v, names) for v in value] if many else _absolute(value, names)
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return cls(**values)


def _absolute(value: str, names: Sequence[str]) -> str:
    """Absolute path; one of the `names` that stand for something built in stays."""
    return value if value in ("", *names) else os.path.abspath(value)
