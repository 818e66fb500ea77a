# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment show`, up to its window; windows themselves have tests of their own."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Iterator
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.cli.showing import open_window
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.evaluation import read_evaluation, read_marked
from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.exchange.screen_folder import COUNTS_NAME, ScreenFolder
from cryosegment.tests.display import has_display, start_display, until
from cryosegment.tests.machine import NO_DISPLAY

needs_display = pytest.mark.skipif(not has_display(), reason=NO_DISPLAY)
SIZE = 2.0


@pytest.fixture
def top() -> Iterator[tk.Tk]:
    start_display()
    top = tk.Tk()
    yield top
    top.destroy()


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    """Folder of an evaluation: two hits, a false pick and a missed particle."""
    reference = Coordinates([[20.0, 20.0], [60.0, 60.0], [100.0, 30.0]], SIZE, "m")
    picks = Coordinates([[21.0, 20.0], [60.0, 61.0], [20.0, 100.0]], SIZE, "m", [0.9, 0.8, 0.7])
    write_coordinates(tmp_path / "reference" / "m.star", reference)
    write_coordinates(tmp_path / "picks" / "m.star", picks)
    mrcfile.write(tmp_path / "m.mrc", np.zeros((120, 130), np.float32))
    write_coordinates(tmp_path / "other" / "m.star", reference)
    words = ["--picks", "picks", "--picks", "other", "--reference", "reference"]
    words = [str(tmp_path / word) if not word.startswith("-") else word for word in words]
    more = ["--diameter", "30", "--pixel-size", str(SIZE), "--output", str(tmp_path / "out")]
    assert main(["evaluate", *words, *more]) == 0
    return tmp_path / "out"


def test_without_a_display_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert main(["show", str(tmp_path)]) == 1
    assert "expected a display" in capsys.readouterr().err


@needs_display
def test_other_folders_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start_display()
    assert main(["show", str(tmp_path)]) == 1
    assert "job.json" in capsys.readouterr().err


@needs_display
def test_hits_and_misses_of_an_evaluation(top: tk.Tk, evaluation: Path, tmp_path: Path) -> None:
    window = open_window(top, evaluation, {"m": str(tmp_path / "m.mrc")})
    until(top, lambda: bool(window.canvas.find_withtag("dashed")), "marks are drawn")
    first, second = window.list.order
    assert window.content.cells(first)[:5] == ("m", "picks", 2, 1, 1)
    assert window.content.cells(second)[:5] == ("m", "other", 3, 0, 0)
    marks = {each.name: each.centers_yx.tolist() for each in window.content.marks(first)}
    found = read_marked(read_evaluation(evaluation), 0)["m"]
    assert marks == {
        "hits": found.picks.centers_yx[:2].tolist(),
        "false picks": found.picks.centers_yx[2:].tolist(),
        "missed particles": found.reference.centers_yx[2:].tolist(),
    }
    assert [each.name for each in window.content.marks(second)] == ["hits"]
    assert len(window.canvas.find_withtag("legend")) == 3
    assert window.content.point(first, (21.0, 22.0)) == "hit, score 0.900"
    assert window.content.point(first, (20.0, 98.0)) == "false pick, score 0.700"
    assert window.content.point(first, (99.0, 30.0)) == "missed particle"
    assert window.content.point(first, (60.0, 110.0)) == ""


@needs_display
def test_screened_picks(top: tk.Tk, tmp_path: Path) -> None:
    folder, path = ScreenFolder(tmp_path / "screened"), str(tmp_path / "m.mrc")
    mrcfile.write(path, np.zeros((120, 130), np.float32))
    columns = {
        "rlnCoordinateX": [20.0, 60.0, 100.0],
        "rlnCoordinateY": [30.0, 90.0, 31.0],
    }
    folder.write("m", columns, np.array([[0.95, 0.01], [0.02, 0.9], [0.9, 0.02]]))
    folder.keep({"m": path}, "0.5")
    params = {"picks": "any", "diameter": 30.0, "pixel_size": SIZE}
    job = Job("screen apply", params, (path,), str(folder.path), ("m",))
    job.write(folder.path / JOB_NAME)
    content = open_window(top, folder.path, None).content
    assert content.cells("m") == ("m", 3, 2, 1)
    kept, dropped = content.marks("m")
    assert kept.centers_yx.tolist() == [[30.0, 20.0], [31.0, 100.0]]
    assert dropped.centers_yx.tolist() == [[90.0, 60.0]]
    assert kept.diameter_px == 15.0
    assert content.about("m") == "by their boxes: 2 particle, 1 interference, 0 noise"
    assert content.point("m", (90.0, 62.0)).startswith("dropped: probability 0.")
    assert content.point("m", (31.0, 20.0)).startswith("kept: probability 0.")
    table = folder.path / COUNTS_NAME
    table.write_text(table.read_text().replace("m,3,", "m,many,"))
    with pytest.raises(InputError, match="whole numbers"):
        folder.counts()
    table.unlink()
    assert folder.counts() == {}


@needs_display
def test_an_evaluation_whose_images_are_not_known(top: tk.Tk, evaluation: Path) -> None:
    window = open_window(top, evaluation, None)
    until(top, lambda: bool(window.canvas._message), "there is a message")
    assert "not known" in window.canvas._message
    assert [window.content.cells(row)[0] for row in window.list.order] == ["m", "m"]
