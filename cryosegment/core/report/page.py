# SPDX-License-Identifier: GPL-3.0-or-later
"""The page, its sections, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cryosegment.core.report.table import Bar, Estimate, Place, shown, sort_value
from cryosegment.exchange.files import PathLike, write_text

TEMPLATES = Path(__file__).with_name("templates")


@runtime_checkable
class Part(Protocol):
    """What a section holds."""

    @property
    def template(self) -> str:
        """File in `templates/` that draws it, as `part`."""
        ...


@dataclass(frozen=True)
class Section:
    """A section of a page.

    Parameters
    ----------
    title
        Its heading, which the page's list of contents shows.
    parts
        From the top.
    lead
        A sentence on how to read it.
    """

    title: str
    parts: Sequence[Part]
    lead: str = ""


@dataclass(frozen=True)
class Page:
    """A report.

    Parameters
    ----------
    title
        Of the page.
    sections
        From the top.
    subtitle
        What it is of: files, numbers, settings.
    refresh
        Seconds after which a browser reads it again, as it is written anew; 0 is never.
    """

    title: str
    sections: Sequence[Section]
    subtitle: str = ""
    refresh: int = 0


def render_page(page: Page) -> str:
    """The page as HTML, with all that it needs inside: text is text, whatever it holds."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shown=shown, sort_value=sort_value)
    environment.tests.update(
        bar=lambda cell: isinstance(cell, Bar),
        estimate=lambda cell: isinstance(cell, Estimate),
        place=lambda cell: isinstance(cell, Place),
    )
    return environment.get_template("page.html").render(page=page)


def write_page(path: PathLike, page: Page) -> None:
    """Write a page, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    write_text(path, render_page(page))
