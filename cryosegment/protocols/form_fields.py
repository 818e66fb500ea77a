# SPDX-License-Identifier: GPL-3.0-or-later
"""Form fields made from parameter records, and the values of the records from the fields."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Type

from pyworkflow.object import Float, Integer, String
from pyworkflow.protocol import Protocol, params

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import Params, kind_of
from cryosegment.exchange.params.fields import AUTO, auto_or_given


class Parameter(NamedTuple):
    """The parameter that a form field is for: its record, or the base of several, and its name."""

    record: Type[Params]
    name: str


def _field(record: Type[Params], name: str) -> dataclasses.Field[Any]:
    return next(field for field in dataclasses.fields(record) if field.name == name)


def field_default(record: Type[Params], name: str) -> Any:
    """Default of a parameter; None if it must be given."""
    default = _field(record, name).default
    return None if default is dataclasses.MISSING else default


def field_choices(record: Type[Params], name: str) -> List[str]:
    """Choices of a record's parameter, in the order of the form."""
    return list(_field(record, name).metadata.get("choices") or ())


def _is_choice(record: Type[Params], name: str) -> bool:
    """Whether one of several choices is taken; of a list, any number are."""
    return bool(field_choices(record, name)) and kind_of(record, name).count == "1"


def add_field(
    form: Any,
    record: Type[Params],
    name: str,
    label: str,
    attribute: Optional[str] = None,
    shared: Optional[Type[Params]] = None,
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
        Name of the protocol's attribute; by default `name`.
    shared
        Base class of all records whose parameter it is; by default it is that of `record` alone.
    options
        Further options of the form parameter; `help` adds to the record's help.
    """
    field, default = _field(record, name), field_default(record, name)
    choices, unit, text = (
        field_choices(record, name),
        field.metadata["unit"],
        field.metadata["help"],
    )
    if _is_choice(record, name):
        options.update(choices=choices)
        default = choices.index(default)
    elif isinstance(default, tuple):
        default = ", ".join(map(str, default))
        text += f": any of {', '.join(choices)}, separated by commas" if choices else ""
    options["help"] = _sentence(text) + options.get("help", "")
    param = form.addParam(
        attribute or name,
        _kind(record, name),
        default=default,
        label=f"{label} ({unit})" if unit else label,
        **options,
    )
    param.parameter = Parameter(shared or record, name)
    if options.get("allowsPointers") and isinstance(param, params.StringParam):
        param.paramClass = TextOrNumber
    if field.default is dataclasses.MISSING and not options.get("allowsNull"):
        param.validators = [_Given(param.validators)]


def form_values(
    protocol: Protocol, record: Type[Params], are_hidden: bool = False
) -> Dict[str, Any]:
    """Values of the form fields that `add_field` has made for a record, by parameter.

    Parameters
    ----------
    protocol
        A protocol with its form filled in.
    record
        Class of the parameter record.
    are_hidden
        Whether fields count whose condition hides them.

    Raises
    ------
    ParameterError
        If the text of a field for numbers holds something else.
    """
    values = {}
    for attribute, param in protocol.getDefinition().iterParams():
        parameter = getattr(param, "parameter", None)
        if parameter is None or not issubclass(record, parameter.record):
            continue
        if are_hidden or protocol.evalParamCondition(attribute):
            values[parameter.name] = _value(protocol, attribute, record, parameter.name)
    return values


def _value(protocol: Protocol, attribute: str, record: Type[Params], name: str) -> Any:
    field, value = _field(record, name), getattr(protocol, attribute)
    if _is_choice(record, name):
        return protocol.getEnumText(attribute)
    kind = kind_of(record, name)
    if kind.count != "1" and kind.type is str:
        return (value.get() or "").replace(",", " ").split()
    if kind.count != "1":
        given = numbers(value.get())
        return _whole(given) if kind.type is int else given
    if field.default == AUTO:
        return auto_or_text(value)
    given = value.get()
    return str(given) if kind.type is str and given is not None else given  # it may be pointed to


class _Scalars(type):
    def __call__(cls, *args: Any, **kwargs: Any) -> String:
        return String(*args, **kwargs)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, (String, Float, Integer))


class TextOrNumber(metaclass=_Scalars):
    """What a text field that holds a number or a word can point to; its own value is a text.

    Scipion offers the outputs that are of the class of a field, so that a text would be offered no
    numbers.
    """


class _Given:
    """A check that there is a value, before Scipion's own of its type."""

    def __init__(self, checks: List[Callable[[Any], List[str]]]) -> None:
        self._checks = checks

    def __call__(self, value: Any) -> List[str]:
        if value is None:
            return ["cannot be EMPTY."]
        return [error for check in self._checks for error in check(value)]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ".\n"


def _kind(record: Type[Params], name: str) -> Type[params.Param]:
    if _is_choice(record, name):
        return params.EnumParam
    if _field(record, name).metadata.get("is_path"):
        return params.PathParam
    kind = kind_of(record, name)
    kinds = {float: params.FloatParam, int: params.IntParam, bool: params.BooleanParam}
    return kinds.get(kind.type, params.StringParam) if kind.count == "1" else params.StringParam


def auto_or_text(value: Any) -> str:
    """Text of a field that may be auto: in capitals, and with nothing in it, too."""
    given = value.get()
    return auto_or_given("" if given is None else str(given))


def numbers(text: Optional[str]) -> List[float]:
    """Numbers of a text field, separated by commas or blanks.

    Raises
    ------
    ParameterError
        If it holds something else.
    """
    try:
        return [float(word) for word in (text or "").replace(",", " ").split()]
    except ValueError:
        raise ParameterError(f"expected numbers, got {text!r}") from None


def _whole(values: List[float]) -> List[Any]:
    """Whole numbers as int; others stay, so that the parameters refuse them."""
    return [int(value) if value.is_integer() else value for value in values]
