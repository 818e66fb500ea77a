# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages in a browser without a window: what a script finds on them, and how they are printed."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from cryosegment.tests.machine import NO_BROWSER

PROGRAM = "chromium"
BEGIN, END = '<pre id="findings">', "</pre>"
LOADED = '<script>addEventListener("load", () => {{ {script} }});</script></body>'
TELL = """
document.body.innerHTML = '<pre id="findings"></pre>';
document.querySelector("pre").textContent = JSON.stringify(findings);
"""


def look(page: Path, script: str) -> dict[str, Any]:
    """What JavaScript, run on a page that has loaded, puts into `findings`.

    The key `console` holds all that the page said there: errors, and what it was not allowed.
    """
    watched = _with_script(page, f"const findings = {{}}; {script} {TELL}")
    ended = _browse(watched, "--enable-logging=stderr", "--dump-dom")
    console = re.findall(r'CONSOLE:\d+\] "(.*)", source', ended.stderr)
    assert BEGIN in ended.stdout, console
    found = html.unescape(ended.stdout.split(BEGIN)[1].split(END)[0])
    return {**json.loads(found), "console": console}


def print_pdf(page: Path) -> bytes:
    """The page as it is printed."""
    target = page.with_suffix(".pdf")
    _browse(page, f"--print-to-pdf={target}")
    return target.read_bytes()


def screenshot(page: Path, target: Path, width: int, height: int, script: str = "") -> None:
    """Write a picture of the top of the page in a window of a size (px), after a script."""
    size = ("--hide-scrollbars", f"--window-size={width},{height}")
    _browse(_with_script(page, script), *size, f"--screenshot={target}")


def _with_script(page: Path, script: str) -> Path:
    """A copy of a page that runs a script when it has loaded."""
    watched = page.with_name(f"watched-{page.name}")
    text = page.read_text("utf-8").replace("</body>", LOADED.format(script=script))
    watched.write_text(text, "utf-8")
    return watched


def _browse(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    if which(PROGRAM) is None:
        pytest.skip(NO_BROWSER)
    # as root it runs without its sandbox alone; a profile of its own leaves the user's as it is
    profile = f"--user-data-dir={page.parent / 'browser'}"
    command = [PROGRAM, "--headless=new", "--no-sandbox", profile, *options, page.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
