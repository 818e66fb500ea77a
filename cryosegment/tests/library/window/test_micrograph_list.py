# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of micrographs beside the one that is shown."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Iterator, Mapping

import pytest

from cryosegment.tests.display import has_display, start_display
from cryosegment.tests.machine import NO_DISPLAY
from cryosegment.window.content import Column, Content
from cryosegment.window.micrograph_list import MicrographList

pytestmark = pytest.mark.skipif(not has_display(), reason=NO_DISPLAY)


@pytest.fixture
def top() -> Iterator[tk.Tk]:
    start_display()
    top = tk.Tk()
    yield top
    top.destroy()


def listed(top: tk.Tk, scores: Mapping[str, object]) -> MicrographList:
    """A list of micrographs with scores, by name."""
    content = Content(
        title="scores",
        columns=(Column("Micrograph"), Column("Score", ".1f")),
        names=list(scores),
        files={},
        pixel_sizes={},
        cells=lambda name: (name, scores[name]),
        marks=lambda name: [],
        about=lambda name: "",
    )
    return MicrographList(top, content, lambda name: None)


def test_what_is_unknown_is_last_in_both_orders(top: tk.Tk) -> None:
    shown = listed(top, {"a": 9.0, "b": None, "c": 10.0, "d": float("nan"), "e": 1.0})
    shown.sort(1)
    assert shown.order == ["e", "a", "c", "b", "d"]
    shown.sort(1)
    assert shown.order == ["c", "a", "e", "b", "d"]
    assert [shown.tree.set(row, "1") for row in shown.tree.get_children()] == [
        *("10.0", "9.0", "1.0", "", "")
    ]


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (("holes_22_0101", "holes_22_0102"), ["…0101", "…0102"]),
        (("hole_0101", "hole_0102"), ["hole_0101", "hole_0102"]),  # it is short
        (("holes_22_0101",), ["holes_22_0101"]),
    ],
    ids=str,
)
def test_words_that_all_names_begin_with_are_left_out(top: tk.Tk, names, texts) -> None:
    shown = listed(top, dict.fromkeys(names, 1.0))
    assert [shown.tree.set(row, "0") for row in shown.tree.get_children()] == texts
