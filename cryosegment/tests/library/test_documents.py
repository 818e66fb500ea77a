# SPDX-License-Identifier: GPL-3.0-or-later
"""What documents for contributors name is there."""

import re

import pytest

from cryosegment.tests.imports import PACKAGE

ROOT = PACKAGE.parent
DOCUMENTS = ("docs/architecture.md", "CONTRIBUTING.md")
PATH = re.compile(r"`([a-z0-9_]+(?:/[a-z0-9_]+)*(?:/|\.py|\.conf))`")


def text_of(document: str) -> str:
    """The text, without the changes that it shows."""
    return re.sub(r"^```diff$.*?^```$", "", (ROOT / document).read_text("utf-8"), flags=re.M | re.S)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_are_there(document: str) -> None:
    named = set(PATH.findall(text_of(document)))
    assert len(named) > 3
    assert not [name for name in named if not any((top / name).exists() for top in (ROOT, PACKAGE))]


def test_the_drawing_has_all_rooms() -> None:
    drawing = text_of("docs/architecture.md").split("```")[1]
    rooms = {path.parent.name for path in (PACKAGE / "core").glob("*/__init__.py")}
    drawn = set(re.findall(r" {2,}([a-z]+)(?= {2,})", drawing.replace("core/", "     ")))
    assert rooms <= drawn
