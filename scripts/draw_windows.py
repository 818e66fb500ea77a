# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw what Scipion shows, as it stands in the guide, on simulated micrographs.

    python scripts/draw_windows.py docs

writes form.png, diameter_wizard.png, crf_wizard.png and training.png; it needs Xvfb and xdotool.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageGrab
from small_pictures import save_small

from cryosegment.tests.display import until
from cryosegment.tests.scripted import CryoSegmentViewerTrain, Pointer
from cryosegment.tests.windows import WindowTest

CANCEL = 2  # what Scipion's dialogs call it
TRAINING = {"modelSource": 2, "unit": 0, "minutes": 2.5}  # from scratch
SHOWN = 60, 460
"""Rows and columns of the micrograph that the wizard of the CRF shows."""
SCENE = {"count": 3, "height": 1024, "width": 1024, "snr": 0.1, "iceBlobs": 1, "seed": 3}


def main(folder: Path) -> None:
    """Open a project on a display that nobody sees, draw its windows, and close it."""
    WindowTest.setUpClass()
    try:
        draw(WindowTest(), folder)
    finally:
        WindowTest.doClassCleanups()


def draw(desk: WindowTest, folder: Path) -> None:
    """Run protocols on micrographs that another simulates, and draw their windows."""
    simulated = desk.launchProtocol(desk.newSimulate(**SCENE))
    draw_training(desk, simulated, folder / "training.png")
    pick = desk.newPick(simulated)
    draw_form(desk, pick, folder / "form.png")
    desk.use(desk.openForm(pick), "diameter", lambda w: estimate(w, folder / "diameter_wizard.png"))
    desk.use(desk.openForm(pick), "crf", lambda w: preview(w, folder / "crf_wizard.png"))


def draw_training(desk: WindowTest, simulated: Any, path: Path) -> None:
    """Curves and examples of a training."""
    train = desk.newTrain(**TRAINING)
    train.inputMasks.append(Pointer(simulated, extended="outputMasks"))
    desk.launchProtocol(train)
    (plotter,) = CryoSegmentViewerTrain(project=desk.proj, protocol=train)._visualize(train)
    plotter.savefig(path, dpi=90)
    save_small(Image.open(path), path)


def draw_form(desk: WindowTest, pick: Any, path: Path) -> None:
    """The first page of the form, and beside it the second one for experts."""
    form = desk.openForm(pick)
    form.root.deiconify()
    pages = [grab_form(form)]
    buttons = [child for child in all_in(form.root) if child.winfo_class() == "Radiobutton"]
    next(button for button in buttons if button["text"] == "Advanced").invoke()
    form._sections[0].master.select(1)
    pages.append(grab_form(form))
    left, right = pages
    both = Image.new("RGB", (left.width + right.width, max(left.height, right.height)), "white")
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    save_small(both, path)
    form.root.destroy()


def grab_form(form: Any) -> Image.Image:
    """A form in the size that Scipion gives to it."""
    desired = form.resize(form.root)
    until(
        form.root,
        lambda: (form.root.winfo_width(), form.root.winfo_height()) == desired,
        "the form has its size",
    )
    return grab(form.root)


def all_in(widget: Any) -> Iterator[Any]:
    """All widgets of a window."""
    for child in widget.winfo_children():
        yield child
        yield from all_in(child)


def estimate(window: Any, path: Path) -> Iterator[None]:
    """The wizard of the diameter when it has estimated it."""
    window.button.invoke()
    while not window.status["text"].startswith("Estimated"):
        yield
    window.update()
    save_small(grab(window), path)
    window._handleResult(CANCEL)


def preview(window: Any, path: Path) -> Iterator[None]:
    """The wizard of the CRF without one and with a strong one, to see what it does."""
    window.crf.set("logits")
    window.strength.var.set(3.0)
    window.preview()
    while not window.status["text"].startswith("Yellow"):
        yield
    window.axes[0].set(xlim=SHOWN, ylim=SHOWN[::-1])
    window.canvas.draw()
    window.update()
    save_small(grab(window), path)
    window._handleResult(CANCEL)


def grab(window: Any) -> Image.Image:
    """What is on the screen where a window is."""
    left, top = window.winfo_rootx(), window.winfo_rooty()
    box = (left, top, left + window.winfo_width(), top + window.winfo_height())
    return ImageGrab.grab(box, xdisplay="")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
