# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the library that are chosen by name, imported when they are asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cryosegment.exchange.parts import Part


def load_part(part: Part) -> Any:
    """What a table of `exchange.parts` names: a function, a class or a record."""
    module, _, name = part.place.partition(":")
    return getattr(import_module(f"cryosegment.core.{module}"), name)
