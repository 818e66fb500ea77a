# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of the documents lead somewhere, and what they show of the program is true."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import shlex
from pathlib import Path

import pytest

from cryosegment.cli.commands import COMMANDS
from cryosegment.cli.main import build_parser, joined
from cryosegment.tests.imports import PACKAGE

ROOT = PACKAGE.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
GUIDE = ROOT / "docs" / "guide"
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", flags=re.M)
BLOCK = re.compile(r"^```\w*\n((?:.*\n)*?)```$|((?:^ {4}.*\n)+)", flags=re.M)
JOIN = re.compile(r'"\n\s+f?"')
"""Between the parts of a message that stands on several lines."""
LEFT_OUT = "..."
PLACEHOLDER = {"N": "2", "A": "2", "S": "0.1", "COMMAND": "pick"}
"""What stands for a value in an example, where the word itself would be refused."""


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def anchor_of(heading: str) -> str:
    """As GitHub makes it: lower case, without punctuation, hyphens for spaces."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def without_blocks(text: str) -> str:
    return BLOCK.sub("", text)


def commands_of(text: str) -> list[str]:
    """Lines of code blocks that begin with the program, those that go on joined."""
    blocks = ["".join(each) for each in BLOCK.findall(text)]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("cryosegment ")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for link in LINK.findall(without_blocks(document.read_text("utf-8"))):
        path, _, anchor = link.partition("#")
        if link.startswith(("https://", "http://")):
            continue
        target = document.parent / path if path else document
        if not target.exists():
            broken.append(link)
        elif anchor:
            text = without_blocks(target.read_text("utf-8"))
            if anchor not in map(anchor_of, HEADING.findall(text)):
                broken.append(link)
    assert not broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_command_lines_are_understood(document: Path) -> None:
    for line in commands_of(document.read_text("utf-8")):
        words = [PLACEHOLDER.get(word, word) for word in shlex.split(line, comments=True)[1:]]
        if LEFT_OUT in words or ">" in words or "<" in words:
            continue
        complaint = io.StringIO()
        with contextlib.redirect_stderr(complaint), contextlib.suppress(SystemExit):
            build_parser().parse_args(joined(words))
        assert not complaint.getvalue(), f"{line}\n{complaint.getvalue()}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_command_lines_stand_in_blocks(document: Path) -> None:
    """In a paragraph, they would be set as a part of its text."""
    lines = without_blocks(document.read_text("utf-8")).splitlines()
    beginnings = tuple(
        f"cryosegment {words[0]} " for words in (each.name.split() for each in COMMANDS)
    )
    assert not [line for line in lines if line.startswith(beginnings)]


def test_the_first_page_has_command_lines() -> None:
    assert len(commands_of((GUIDE / "first_picks.md").read_text("utf-8"))) > 4


def test_messages_are_those_of_the_program() -> None:
    sources = [path for path in PACKAGE.rglob("*.py") if "tests" not in path.parts]
    program = "".join(JOIN.sub("", path.read_text("utf-8")) for path in sources)
    text = (GUIDE / "troubleshooting.md").read_text("utf-8")
    messages = re.findall(r"^\| `([^`]+)` \|", text, flags=re.M)
    assert len(messages) > 10
    assert not [message for message in messages if message not in program]


def test_the_page_of_commands_is_made_anew() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "write_parameter_pages.py"))
    assert (GUIDE / "commands.md").read_text("utf-8") == script["commands_page"]()
