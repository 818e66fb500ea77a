# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the pages of the guide that list parameters: `python scripts/write_parameter_pages.py`.

`docs/guide/commands.md` is made of the options of the command line, `docs/guide/forms.md` of the
fields of Scipion's forms.
"""

from __future__ import annotations

import argparse
import inspect
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryosegment.exchange.files import write_text
from cryosegment.scripting import prepare_scipion

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "guide"
COMMANDS, FORMS = "commands.md", "forms.md"
EVERYWHERE = ("-h, --help",)
OF_SCIPION = "General"
"""Section that all forms have."""
MADE = "<!-- made by scripts/write_parameter_pages.py: change the parameters, not this page -->"


def main() -> None:
    """Write both pages."""
    write_text(PAGES / COMMANDS, commands_page())
    with tempfile.TemporaryDirectory() as home:
        prepare_scipion(Path(home))
        write_text(PAGES / FORMS, forms_page())


def commands_page() -> str:
    """All commands with their options."""
    from cryosegment.cli.main import build_parser  # Scipion's Python may be older than it needs

    lines = ["# Commands", "", MADE, "", "`cryosegment COMMAND --help` says the same.", ""]
    for parser in parsers_of(build_parser()):
        description = " ".join(str(parser.description).split())
        lines += [f"## {parser.prog}", "", cell(description), ""]
        rows = [option_row(action, parser) for action in parser._actions]
        lines += ["| option | what |", "|---|---|", *filter(None, rows), ""]
    return "\n".join(lines)


def parsers_of(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers of the commands, in their order."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                grandchildren = list(parsers_of(child))
                yield from grandchildren or [child]


def option_row(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """Row of an option or an input; empty for the help."""
    names = ", ".join(action.option_strings)
    if names in EVERYWHERE:
        return ""
    wanted = parser._get_formatter()._format_args(action, str(action.metavar or action.dest))
    words = f"{names} {wanted}".strip()
    return f"| `{words}` | {cell(str(action.help) % vars(action))} |"


def forms_page() -> str:
    """All forms with their fields, as Scipion lists them."""
    import pyworkflow

    pyworkflow.Config.getDomain().getPlugins()
    from cryosegment import protocols

    lines = ["# Forms", "", MADE, ""]
    text = (ROOT / "cryosegment" / "protocols.conf").read_text(encoding="utf-8")
    for name in re.findall(r'"value": "(\w+)"', text):
        kind = getattr(protocols, name)
        lines += [f"## {kind._label}", "", *documentation(kind), ""]
        for section in kind()._definition.iterSections():
            rows = list(field_rows(section))
            title = section.getLabel()
            if rows and title != OF_SCIPION:
                lines += [f"**{title}**", "", "| field | what | left alone |", "|---|---|---|"]
                lines += [*rows, ""]
    return "\n".join(lines)


def documentation(kind: Any) -> list[str]:
    """What the form says of itself, as Markdown."""
    return [line.replace("*", "**") for line in inspect.cleandoc(kind.__doc__).splitlines()]


def field_rows(parent: Any) -> Iterator[str]:
    """Rows of the fields of a section, those of its groups and lines among them."""
    from pyworkflow.protocol import params

    for _, field in parent.iterParams():
        if isinstance(field, (params.Group, params.Line)):
            yield from field_rows(field)
        elif isinstance(field, params.Param) and field.label.get():
            label = field.label.get() + (" (expert)" if field.isExpert() else "")
            yield f"| {cell(label)} | {cell(field.help.get() or '')} | {cell(default_of(field))} |"


def default_of(field: Any) -> str:
    """The value of a field that nobody has changed, as the form shows it."""
    value = field.default.get()
    if value in (None, ""):
        return ""
    if hasattr(field, "choices"):
        return str(field.choices[int(value)])
    return {"True": "yes", "False": "no"}.get(str(value), str(value))


def cell(text: str) -> str:
    """Text as a cell of a table."""
    return " ".join(text.replace("|", "\\|").split()).replace("<", "&lt;")


if __name__ == "__main__":
    main()
