# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a report's sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from cryosegment.core.report.pictures import Picture
from cryosegment.core.report.table import Place


@dataclass(frozen=True)
class Fact:
    """A figure that everyone looks for first.

    Parameters
    ----------
    label
        Its name.
    value
        As it is read, with its unit.
    note
        Smaller, below: an interval, what it is of.
    """

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Figures beside each other."""

    template: ClassVar[str] = "facts.html"
    facts: Sequence[Fact]


@dataclass(frozen=True)
class Text:
    """A paragraph; a warning stands out."""

    template: ClassVar[str] = "text.html"
    text: str
    is_warning: bool = False


@dataclass(frozen=True)
class Command:
    """A command line to copy."""

    template: ClassVar[str] = "command.html"
    line: str


@dataclass(frozen=True)
class Pictures:
    """Pictures with their captions, as many beside each other as there is room for."""

    template: ClassVar[str] = "pictures.html"
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Tile:
    """A small picture of a sheet.

    Parameters
    ----------
    picture
        What is shown, all of one size.
    place
        Where on an overlay of the page it is from; None is nowhere.
    """

    picture: Picture
    place: Place | None = None


@dataclass(frozen=True)
class Sheet:
    """A contact sheet: small pictures of one kind, with a coloured frame."""

    template: ClassVar[str] = "sheet.html"
    title: str
    tiles: Sequence[Tile]
    color: str
