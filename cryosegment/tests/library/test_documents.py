# SPDX-License-Identifier: GPL-3.0-or-later
"""What documents name is there, and what they show of Python runs."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from cryosegment.cli.main import main as cryosegment
from cryosegment.tests.imports import PACKAGE

ROOT = PACKAGE.parent
DOCUMENTS = ("docs/architecture.md", "CONTRIBUTING.md")
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```$", flags=re.M | re.S)
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


def python_blocks() -> dict[str, str]:
    """Every piece of Python in the pages, by its page and line."""
    found = {}
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in BLOCK.finditer(text):
            line = text[: match.start()].count("\n") + 1
            found[f"{page.relative_to(ROOT)}:{line}"] = match[1]
    return found


@pytest.fixture(scope="module")
def micrograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages call micrograph.mrc, in a folder that they call /data."""
    folder = tmp_path_factory.mktemp("page")
    words = ["--count", "1", "--size", "800", "900", "--pixel-size", "1.06", "--snr", "0.2"]
    assert cryosegment(["simulate", *words, "--output", str(folder)]) == 0
    (file,) = (folder / "micrographs").iterdir()
    return file.rename(file.with_name("micrograph.mrc"))


@pytest.mark.slow
@pytest.mark.parametrize("place", python_blocks())
def test_python_runs(place: str, micrograph: Path, tmp_path: Path) -> None:
    code = python_blocks()[place]
    if "pwem" in code and find_spec("pwem") is None:
        pytest.skip("no Scipion")
    for shown, true in (("micrograph.mrc", micrograph), ("/data", micrograph.parent)):
        code = code.replace(f'"{shown}"', repr(str(true)))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert re.search(r"[1-9]", done.stdout.splitlines()[-1])


def test_every_picture_is_shown_on_a_page_and_made_by_a_script() -> None:
    scripts = [*ROOT.glob("scripts/*.py"), *ROOT.glob("benchmarks/*.py")]
    made = " ".join(script.read_text("utf-8") for script in scripts)
    pages = " ".join(page.read_text("utf-8") for page in PAGES)
    for picture in ROOT.glob("docs/**/*.png"):
        assert f"{picture.name})" in pages
        assert picture.name in made
