# SPDX-License-Identifier: GPL-3.0-or-later
"""The picks window of runs in a project: what it registers is a further output."""

from __future__ import annotations

import shutil
import signal
import webbrowser
from pathlib import Path
from typing import Any, Callable, Iterator, List
from urllib.parse import unquote, urlsplit

import numpy as np

from cryosegment.tests.display import drag, press, until
from cryosegment.tests.scripted import (
    MODE_RESUME,
    STATUS_FINISHED,
    STATUS_RUNNING,
    CryoSegmentProtRepick,
    CryoSegmentViewerPick,
)
from cryosegment.tests.windows import WindowTest


def found(window: Any, kind: str, fits: Callable[[Any], bool]) -> Any:
    """A widget of a class of Tk in a window that fits; None where there is none."""
    for child in window.winfo_children():
        if child.winfo_class() == kind and fits(child):
            return child
        below = found(child, kind, fits)
        if below is not None:
            return below
    return None


class Browser(webbrowser.BaseBrowser):
    """One that notes what it is to show."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: List[str] = []

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.opened.append(url)
        return True


class TestCryoSegmentPicksWindow(WindowTest):
    """Windows of a picking run, and of one that selects among its candidates."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.source = cls.launchProtocol(cls.newSimulate())
        cls.pick = cls.launchProtocol(cls.newPick(cls.source))

    def show(self, run: Any, what: str) -> Any:
        """The window that the viewer of a run opens."""
        viewer = CryoSegmentViewerPick(project=self.proj, protocol=run, parent=self.window)
        viewer.setProtocol(run)
        (view,) = viewer._getVisualizeDict()[what]()
        view.show()
        return view.window

    def openWindow(self, run: Any) -> Any:
        """The picks window of a run, when all is counted."""
        window = self.show(run, "showPicks")
        self.addCleanup(window.top.destroy)
        window.top.focus_force()
        until(window.top, lambda: window.selection.is_counted, "all is counted")
        return window

    def testPage(self) -> None:
        """Scipion goes on while the core makes the page, which the browser then shows."""
        browser, root = Browser(), self.window.root
        webbrowser.register("cryosegment tests", None, browser, preferred=True)
        window = self.show(self.pick, "showReport")
        process = window._process
        assert process.poll() is None
        window.winfo_toplevel().destroy()
        assert process.returncode == -signal.SIGKILL
        window = self.show(self.pick, "showReport")
        assert window.status["text"] == "Making the page: starting"
        log = Path(self.pick._getExtraPath("report.log"))
        log.unlink()  # as where the run is begun anew
        self.waitFor(self.pick, lambda: root.update() or bool(browser.opened))
        assert not window.winfo_exists()
        page = Path(unquote(urlsplit(browser.opened[0]).path))
        assert f"Picks of {self.pick.getRunName()}" in page.read_text()
        self.checkFailedPage(page.parent)
        log.unlink()
        log.mkdir()
        self.addCleanup(log.rmdir)
        window = self.show(self.pick, "showReport")
        self.addCleanup(window.winfo_toplevel().destroy)
        assert f"{log}: Is a directory" in window.status["text"]

    def checkFailedPage(self, folder: Path) -> None:
        """What the core says of a file in the place of its folder stands in the window."""
        shutil.rmtree(folder)
        folder.touch()
        self.addCleanup(folder.unlink)
        window = self.show(self.pick, "showReport")
        self.addCleanup(window.winfo_toplevel().destroy)
        self.waitFor(self.pick, lambda: window.update() or window._process is None)
        assert "cannot make the folder" in window.status["text"]

    def testRegister(self) -> None:
        """What a dragged threshold keeps becomes coordinates with their scores."""
        window, run = self.openWindow(self.pick), self.pick
        before = run.outputCoordinates
        assert window.selection.total() == before.getSize()
        chart = window.histogram
        start = chart.x_of(window.selection.threshold), 30
        drag(chart, start, (chart.x_of(0.9), 40))
        until(window.top, lambda: window.selection.threshold > 0.85, "the threshold is higher")
        window.actions.act(window._actions[0].run)
        assert "registered as outputCoordinates2" in window.status.get()
        made = run.outputCoordinates2
        assert 0 < made.getSize() == window.selection.total() < before.getSize()
        assert made.getBoxSize() == before.getBoxSize()
        assert made.getMicrographs().getObjId() == before.getMicrographs().getObjId()
        threshold = window.selection.threshold
        assert made.getObjComment() == f"threshold {threshold:g}"
        expected = sorted(
            c._cryosegmentScore.get() for c in before if c._cryosegmentScore.get() >= threshold
        )
        found = sorted(c._cryosegmentScore.get() for c in made)
        np.testing.assert_allclose(found, expected)
        assert all(c._rlnAutopickFigureOfMerit.get() == c._cryosegmentScore.get() for c in made)
        again = self.proj.getProtocol(run.getObjId())
        assert again.outputCoordinates2.getSize() == made.getSize()

    def testNothingToRegister(self) -> None:
        """A run that goes on, and a threshold above all scores, are said and register nothing."""
        window = self.openWindow(self.pick)
        names = [name for name, _ in self.pick.iterOutputAttributes()]
        self.addCleanup(self.pick.setStatus, self.pick.getStatus())
        self.pick.setStatus(STATUS_RUNNING)
        window.actions.act(window._actions[0].run)
        assert "register the picks when it has" in window.status.get()
        self.pick.setStatus(STATUS_FINISHED)
        window.move(1.0)
        window.actions.act(window._actions[0].run)
        assert "lower the threshold" in window.status.get()
        assert [name for name, _ in self.pick.iterOutputAttributes()] == names

    def testThresholdWizard(self) -> None:
        """What is selected in the window stands in the form, in place of another wish."""
        repick = self.newProtocol(CryoSegmentProtRepick, number=10, maxDiameter="400")
        repick.inputPicking.set(self.pick)

        def moved(entry: Any) -> bool:
            """Whether it shows the dragged threshold, to a px of the histogram."""
            text = entry.get()
            return text.startswith("0.") and abs(float(text) - 0.75) < 0.01

        def script(top: Any) -> Iterator[None]:
            chart = found(top, "Canvas", lambda w: bool(w.find_withtag("line")))
            while chart is None:
                yield
                chart = found(top, "Canvas", lambda w: bool(w.find_withtag("line")))
            while not found(top, "TEntry", moved):  # the window may still grow as it is dragged
                drag(chart, (chart.x_of(0.5), 30), (chart.x_of(0.75), 30))
                yield
            found(top, "TButton", lambda w: w.cget("text") == "Use in the form").invoke()
            yield

        self.use(self.openForm(repick), "threshold", script)
        assert abs(float(repick.threshold.get()) - 0.75) < 0.01
        assert repick.number.get() is None
        assert repick.maxDiameter.get() == "400"
        assert not repick.validate()

    def testWizardWithoutPicks(self) -> None:
        """Without a picking run the wizard says what it needs."""
        repick = self.newProtocol(CryoSegmentProtRepick)

        def script(window: Any) -> Iterator[None]:
            yield
            window._handleResult(0)

        for protocol in (repick, self.newPick(self.source)):
            for name in ("threshold", "minDiameter"):
                before = getattr(protocol, name).get()
                self.use(self.openForm(protocol), name, script)
                assert getattr(protocol, name).get() == before

    def testRepick(self) -> None:
        """The selection of a re-picking begins at its own threshold and distances."""
        repick = self.newProtocol(CryoSegmentProtRepick, number=10, minDistance="0.8")
        repick.inputPicking.set(self.pick)
        self.launchProtocol(repick)
        window = self.openWindow(repick)
        assert window.selection.total() == repick.outputCoordinates.getSize() == 10
        assert window.controls.distance.value == 0.8
        press("bracketleft", "bracketleft")
        until(window.top, lambda: window.selection.total() > 10, "there are more")
        window.actions.act(window._actions[0].run)
        count = window.selection.total()
        assert repick.outputCoordinates2.getSize() == count
        repick.number.set(20)
        repick.runMode.set(MODE_RESUME)
        (warning,) = repick._continueWarnings()
        assert "outputCoordinates*" in warning
        assert "outputCoordinates2" not in warning
        self.launch(repick)
        assert repick.outputCoordinates.getSize() == 20
        assert repick.outputCoordinates2.getSize() == count
