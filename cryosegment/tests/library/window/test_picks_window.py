# SPDX-License-Identifier: GPL-3.0-or-later
"""The picks window, with a mouse and a keyboard, on a display that nobody sees."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Iterator
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.pick_folder import PROBABILITY, SEGMENTATIONS, PickFolder
from cryosegment.exchange.segmentations import SavedSegmentation, write_segmentation
from cryosegment.tests.display import (
    INTERVAL,
    click,
    drag,
    has_display,
    press,
    start_display,
    until,
)
from cryosegment.tests.machine import NO_DISPLAY
from cryosegment.window.actions import WindowAction
from cryosegment.window.colors import DROPPED, PICKED_FROM, STEPS
from cryosegment.window.picks_window import PicksWindow
from cryosegment.window.selection import PickSelection

pytestmark = pytest.mark.skipif(not has_display(), reason=NO_DISPLAY)


@pytest.fixture
def window(picks: Path) -> Iterator[PicksWindow]:
    """The window of a run, all of which is counted."""
    start_display()
    top = tk.Tk()
    actions = [WindowAction("Take", lambda selection: f"taken {selection.total()}")]
    window = PicksWindow(top, "Run", PickSelection(picks), mrcfile.read, actions)
    top.focus_force()
    until(top, lambda: window.selection.threshold is not None, "all is counted")
    yield window
    top.destroy()


def circles(window: PicksWindow) -> int:
    return len(window.canvas.find_withtag("circle"))


def said(window: PicksWindow) -> int:
    """Number of picks on all micrographs that the window says."""
    return int(window.status.get().split(" picks")[0].replace(",", ""))


def test_a_dragged_threshold_selects_what_repick_does(window, picks, tmp_path) -> None:
    line = window.histogram.find_withtag("line")[0]
    x, top, _, _ = window.histogram.coords(line)
    assert x == pytest.approx(window.histogram.x_of(window.selection.threshold), abs=0.01)
    before = said(window)
    assert before == sum(PickFolder(picks).counts().values())
    drag(window.histogram, (x, top + 20), (window.histogram.x_of(0.3), top + 40))
    until(window.top, lambda: said(window) != before, "the picks are counted anew")
    threshold = window.selection.threshold
    assert threshold == pytest.approx(0.3, abs=0.01)
    assert window.controls.threshold.value == threshold
    command = ["repick", str(picks), "--threshold", str(threshold)]
    assert main([*command, "--output", str(tmp_path / "out")]) == 0
    counts = PickFolder(tmp_path / "out").counts()
    assert said(window) == sum(counts.values())
    listed = {
        name: int(window.list.tree.set(row, "1")) for name, row in zip(counts, ("0", "1", "2"))
    }
    assert listed == counts
    assert circles(window) == counts[window.name]


def test_keys_lead_from_micrograph_to_micrograph(window) -> None:
    names = window.list.order
    shown = [window.name]
    for key in ("n", "Right", "p"):
        before = window.name
        press(key)
        until(window.top, lambda name=before: window.name != name, "another one is shown")
        shown.append(window.name)
    assert shown == [*names, names[1]]
    assert window.name in window.top.title()
    for _ in names:
        press("Left")
    until(window.top, lambda: window.name == names[0], "the first is shown")


def test_keys_zoom_hide_circles_and_move_the_threshold(window) -> None:
    whole, count = window.canvas.view, circles(window)
    press("plus")
    until(window.top, lambda: window.canvas.view != whole, "it is larger")
    assert window.canvas.view.scale == pytest.approx(1.25 * whole.scale)
    press("0")
    until(window.top, lambda: window.canvas.view == whole, "the whole is seen")
    press("c")
    until(window.top, lambda: circles(window) == 0, "no circles are seen")
    press("c")
    until(window.top, lambda: circles(window) == count, "they are seen again")
    before = window.selection.threshold
    press("bracketleft")
    until(window.top, lambda: window.selection.threshold < before, "it is lower")
    assert window.selection.threshold == pytest.approx(before - 0.01, abs=0.001)


def test_letters_in_a_field_are_no_keys(window) -> None:
    entry = window.controls.threshold.entry
    click(entry, (10, 8))
    until(window.top, lambda: window.top.focus_get() is entry, "the field is typed in")
    press("ctrl+a", "n")
    until(window.top, lambda: entry.get() == "n", "it is typed")
    assert window.name == window.list.order[0]
    press("Return")
    until(window.top, lambda: entry.get() != "n", "what is no number is not taken")
    click(entry, (10, 8))
    press("ctrl+a", "0", "period", "5", "Return", "n")
    until(window.top, lambda: window.name == window.list.order[1], "keys are keys again")
    assert window.selection.threshold == 0.5


def test_a_title_sorts_the_list(window) -> None:
    counts = {name: window.selection.figures(name)[0] for name in window.list.order}
    rising = sorted(counts, key=counts.__getitem__)
    heading = window.list.tree.bbox(window.list.tree.get_children()[0], "1")
    for expected in (rising, rising[::-1]):
        click(window.list.tree, (heading[0] + 20, 8))
        until(window.top, lambda order=expected: window.list.order == order, "it is sorted")


def test_a_key_presses_no_button_again(window) -> None:
    (button,) = (
        child for child in window.actions.winfo_children() if str(child.cget("text")) == "Take"
    )
    click(button, (20, 10))
    until(window.top, lambda: window.status.get().startswith("taken"), "it is pressed")
    window.status.set("")
    press("space")
    until(window.top, lambda: window.name == window.list.order[1], "the next one is shown")
    assert window.status.get() == ""


def test_the_micrograph_is_dragged(window) -> None:
    before = window.canvas.view
    drag(window.canvas, (100, 100), (140, 130))
    until(window.top, lambda: window.canvas.view != before, "it has moved")
    assert window.canvas.view == before.moved(40, 30)
    assert len(window.selection.edits) == 0


def test_clicks_edit_where_that_is_wanted(window) -> None:
    before, count = window.selection.picks(window.name), circles(window)
    x, y = window.canvas.view.on_screen(before.centers_yx)[0]
    click(window.canvas, (x, y))
    press("e")
    until(window.top, lambda: window.actions.are_edited.get(), "clicks edit")
    assert len(window.selection.edits) == 0  # the first click was before that
    click(window.canvas, (x, y))
    until(window.top, lambda: circles(window) == count - 1, "a pick is removed")
    assert before.centers_yx[0] not in window.selection.picks(window.name).centers_yx
    empty = window.canvas.view.on_screen(np.array([[5.0, 5.0]]))[0]  # no candidate is near
    click(window.canvas, tuple(empty))
    until(window.top, lambda: circles(window) == count, "a pick is added")
    added = window.selection.picks(window.name)
    assert np.abs(added.centers_yx[-1] - 5).max() < 1 / window.canvas.view.scale
    assert "edited" in window.list.tree.item("0", "values")[3]
    assert window.actions.has_news
    press("ctrl+z", "ctrl+z")
    until(window.top, lambda: not window.selection.edits.names, "both are taken back")
    until(window.top, lambda: circles(window) == count, "the picks are as before")
    assert "edited" not in window.list.tree.item("0", "values")[3]


def test_a_pick_has_the_size_of_its_particle_and_says_its_score(window) -> None:
    picks, view = window.selection.picks(window.name), window.canvas.view
    places = view.on_screen(picks.centers_yx)
    radius = 60 / 2.0 / 2 * view.scale  # px of the screen; 60 Å
    drawn = [window.canvas.coords(item) for item in window.canvas.find_withtag("circle")]
    expected = np.hstack([places - radius, places + radius])
    np.testing.assert_allclose(sorted(drawn), sorted(expected.tolist()), atol=0.01)
    y, x = picks.centers_yx[0]
    said = window.content.point(window.name, (y, x))
    assert said.startswith("pick")
    assert said.endswith(f"score {picks.scores[0]:.3f}")
    assert window.content.point(window.name, (5.0, 5.0)) == ""
    window.selection.click(window.name, (5.0, 5.0))
    assert window.content.point(window.name, (6.0, 5.0)) == "pick, by hand"


def test_most_colours_are_for_what_the_run_has_picked(window) -> None:
    colors = window._display.colors
    (lowest,) = colors.of(np.array([window.selection.threshold]))
    assert colors.names.index(lowest) == round(PICKED_FROM * (STEPS - 1))


def test_bars_below_the_threshold_are_grey(window) -> None:
    window.move(0.4)
    chart = window.histogram
    bars = [item for item in chart.find_all() if chart.type(item) == "rectangle"]
    middles = [(chart.coords(bar)[0] + chart.coords(bar)[2]) / 2 for bar in bars]
    are_grey = [chart.itemcget(bar, "fill") == DROPPED for bar in bars]
    assert are_grey == [middle < chart.x_of(0.4) for middle in middles]
    assert 0 < sum(are_grey) < len(bars)


def test_masks_and_maps_lie_over_the_micrograph(window, picks) -> None:
    name, shape = window.name, (50, 60)
    labels = np.zeros(shape, np.int32)
    candidates = window.selection.candidates(name)
    for row, (y, x) in enumerate((candidates.centers_yx / 10).round().astype(int)):
        labels[y, x] = row + 1
    folder = PickFolder(picks)
    path = folder.file(SEGMENTATIONS, name)
    path.parent.mkdir()
    write_segmentation(path, SavedSegmentation(labels, None, 20.0, (10.0, 10.0)))
    path = folder.file(PROBABILITY, name)
    path.parent.mkdir()
    mrcfile.write(path, np.full(shape, 0.5, np.float32))
    window.lay()
    assert window.look.over.cget("values") == ("nothing", "masks of the picks", "probability")
    for expected in ("masks of the picks", "probability", "nothing", "masks of the picks"):
        press("m")
        until(window.top, lambda over=expected: window.look.over.get() == over, "it is laid over")
    for threshold in (0.2, 0.9):
        window.move(threshold)
        opaque = window.canvas._tint.colors[..., 3] > 0
        chosen = 1 + np.flatnonzero(window.selection.chosen(name))
        np.testing.assert_array_equal(opaque, np.isin(labels, chosen))
    press("n")  # which has no masks
    until(window.top, lambda: window.look.over.get() == "nothing", "nothing is over it")
    press("p")
    until(window.top, lambda: "masks" in window.look.over.get(), "they are wanted still")


def test_exported_picks_are_read_back(window, picks, tmp_path) -> None:
    window.move(0.4)
    window.selection.click(window.name, (3.0, 4.0))
    assert window.actions.has_news
    window.actions.act(lambda selection: window.actions.export(str(tmp_path / "out"), "cbox"))
    assert not window.actions.has_news
    assert window.status.get().startswith(f"{window.selection.total():,} picks written")
    for found in (tmp_path / "out" / "coordinates", tmp_path / "out" / "cbox"):
        read = read_coordinates(found, 2.0)
        for name in window.list.order:
            picked = window.selection.picks(name)
            np.testing.assert_allclose(read[name].centers_yx, picked.centers_yx, atol=0.01)
    assert len(read_coordinates(tmp_path / "out" / "coordinates.star", 2.0)) == 3
    window.actions.act(lambda selection: window.actions.export(str(picks), ""))
    assert "another folder" in window.status.get()


def test_edits_are_not_lost_unasked(window) -> None:
    window.selection.click(window.name, (5.0, 5.0))
    tk_, asked = window.top.tk, []

    def cancel() -> None:
        dialogs = [path for path in map(str, tk_.call("winfo", "children", ".")) if "box" in path]
        if not dialogs:
            window.top.after(INTERVAL, cancel)
            return
        asked.extend(dialogs)
        tk_.call(f"{dialogs[0]}.cancel", "invoke")

    window.top.after(INTERVAL, cancel)
    window.close()
    assert len(asked) == 1
    assert window.top.winfo_exists()


def test_a_distance_and_an_action(window, picks, tmp_path) -> None:
    window.controls.distance.entry.focus_force()
    press("ctrl+a", "0", "period", "9", "Return")
    until(window.top, lambda: window.selection.params.min_distance == "0.9", "it is taken")
    until(window.top, lambda: window.selection.is_counted, "all is counted")
    command = ["repick", str(picks), "--threshold", str(window.selection.threshold)]
    command += ["--min-distance", "0.9", "--output", str(tmp_path / "out")]
    assert main(command) == 0
    window.actions.act(window._actions[0].run)
    assert window.status.get() == f"taken {sum(PickFolder(tmp_path / 'out').counts().values())}"


def test_sizes_that_contradict_are_said(window) -> None:
    window.controls.smallest.entry.focus_force()
    press("ctrl+a", "7", "0", "Return")
    until(window.top, lambda: window.selection.params.min_diameter == "70", "it is taken")
    window.controls.largest.entry.focus_force()
    press("ctrl+a", "6", "0", "Return")
    until(window.top, lambda: "at most the largest" in window.status.get(), "it is said")
    assert window.selection.params.max_diameter == ""


def test_at_the_end_of_its_slider_a_size_has_no_limit(window) -> None:
    for keys, expected in (("60", "60"), ("180", "0")):
        window.controls.largest.entry.focus_force()
        press("ctrl+a", *keys, "Return")
        until(
            window.top,
            lambda size=expected: window.selection.params.max_diameter == size,
            "it is taken",
        )


def test_a_micrograph_that_is_gone_is_said(window) -> None:
    Path(window.content.files[window.list.order[1]]).unlink()
    press("n")
    until(window.top, lambda: bool(window.canvas._message), "there is a message")
    assert "cannot be shown" in window.canvas._message
    assert circles(window) == 0


def test_damaged_candidates_are_said(picks) -> None:
    start_display()
    for path in (picks / "candidates").iterdir():
        path.write_text("damaged")
    top = tk.Tk()
    window = PicksWindow(top, "Run", PickSelection(picks), mrcfile.read)
    until(top, lambda: "star" in window.status.get(), "the file is named")
    np.testing.assert_equal(len(window.list.order), 3)
    top.destroy()
