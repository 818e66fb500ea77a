# SPDX-License-Identifier: GPL-3.0-or-later
"""Wizards and tables in their windows, on a display that nobody sees."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import numpy as np
from scipy.spatial import cKDTree

from cryosegment.exchange.model_files import GENERAL, model_path
from cryosegment.exchange.params import FRONT_ENDS
from cryosegment.exchange.parts import NETWORKS
from cryosegment.tests.scripted import (
    DIAMETER,
    LEVEL_ADVANCED,
    PIXEL_SIZE,
    CryoSegmentProtConsensus,
    CryoSegmentProtEvaluate,
    CryoSegmentProtImportModel,
    CryoSegmentProtLabels,
    CryoSegmentProtPick,
    CryoSegmentProtRankParticles,
    CryoSegmentProtRepick,
    CryoSegmentProtScreenPicks,
    CryoSegmentProtSimulate,
    CryoSegmentProtTrain,
    CryoSegmentProtTrainParticles,
    CryoSegmentProtTrainScreening,
    CryoSegmentProtTune,
    CryoSegmentViewerConsensus,
    CryoSegmentViewerEvaluate,
    CryoSegmentViewerLabels,
    CryoSegmentViewerPick,
    CryoSegmentViewerScreen,
    MessageView,
    Pointer,
    objects,
)
from cryosegment.tests.windows import WindowTest

# isort: split
from pyworkflow.gui.form import ScalarTreeProvider  # after the windows of the project

FORMS = {
    CryoSegmentProtConsensus: [{}],
    CryoSegmentProtEvaluate: [{}, {"matching": 1}],
    CryoSegmentProtImportModel: [{}],
    CryoSegmentProtLabels: [{}, {"shape": 1}, {"shape": 2}, {"source": 1}],
    CryoSegmentProtPick: [{}, {"modelSource": 1}],
    CryoSegmentProtRankParticles: [{}, {"modelSource": 1}],
    CryoSegmentProtRepick: [{}],
    CryoSegmentProtScreenPicks: [{}],
    CryoSegmentProtSimulate: [{}, {"molecule": 1}, {"molecule": 2}],
    CryoSegmentProtTrain: [
        {},
        {"labelsAre": 1, "modelSource": 1, "frontEnd": 1 + FRONT_ENDS.index("low-pass")},
        {"unit": 1, "modelSource": 2, "network": list(NETWORKS).index("unet++")},
    ],
    CryoSegmentProtTrainParticles: [{}, {"modelSource": 2}],
    CryoSegmentProtTrainScreening: [{"modelSource": 1}],
    CryoSegmentProtTune: [{}, {"modelSource": 1, "tuneCrf": True}],
}
"""Choices with which forms have different fields, by their protocol."""
VIEWERS = {
    CryoSegmentViewerPick: lambda test: test.newPick(test.source),
    CryoSegmentViewerLabels: lambda test: test.newProtocol(CryoSegmentProtLabels),
    CryoSegmentViewerEvaluate: lambda test: test.newProtocol(CryoSegmentProtEvaluate),
    CryoSegmentViewerConsensus: lambda test: test.newProtocol(CryoSegmentProtConsensus),
    CryoSegmentViewerScreen: lambda test: test.newProtocol(CryoSegmentProtScreenPicks),
}
"""Runs of which nothing is done yet, by their viewer."""
SHOWN = {
    CryoSegmentViewerPick: "showPicks",
    CryoSegmentViewerLabels: "showLabels",
    CryoSegmentViewerEvaluate: "showMicrographs",
    CryoSegmentViewerConsensus: "showReport",
    CryoSegmentViewerScreen: "showPicks",
}
"""What opens the window of a viewer."""
SELECT, CANCEL = 0, 2  # what Scipion's dialogs call them


def drag(window: Any, start: Tuple[float, float], end: Tuple[float, float]) -> None:
    """Move the mouse over a window's micrograph, its button down, between (x, y) in px."""
    widget = window.canvas.get_tk_widget()
    height = window.canvas.figure.bbox.height
    (x, y), (u, v) = window.axes[0].transData.transform([start, end]).round().astype(int)
    widget.event_generate("<Button-1>", x=x, y=height - y)
    widget.event_generate("<Motion>", x=u, y=height - v, state=0x100)
    widget.event_generate("<ButtonRelease-1>", x=u, y=height - v)


def texts(window: Any) -> List[str]:
    """What stands in the labels and texts of a window."""
    found = []
    for child in window.winfo_children():
        if child.winfo_class() == "Text":
            found.append(child.get("1.0", "end"))
        elif child.winfo_class() in ("Label", "TLabel"):
            found.append(child.cget("text"))
        found += texts(child)
    return [str(text).strip() for text in found]


class TestCryoSegmentWindows(WindowTest):
    """What wizards show and fill in, and what viewers show."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.source = cls.launchProtocol(cls.newSimulate(snr=0.1))

    def testSmallScreen(self) -> None:
        """With every choice, and for experts, the buttons of a form are on a small screen."""
        screen = self.window.root.winfo_screenheight()
        assert screen == 768
        for kind, choices in FORMS.items():
            for options in choices:
                protocol = self.newProtocol(kind, **options)
                protocol.expertLevel.set(LEVEL_ADVANCED)
                form = self.openForm(protocol)
                assert self.height(form) <= screen, (kind, options)
                form.root.destroy()

    def testNothingYet(self) -> None:
        """Before anything is done, and where what was made is gone, viewers say what there is."""
        for kind, make in VIEWERS.items():
            protocol = make(self)
            self.saveProtocol(protocol)
            viewer = kind(project=self.proj, protocol=protocol)
            viewer.setProtocol(protocol)
            form = self.openForm(viewer)
            assert viewer.evalParamCondition("showState")
            shown = SHOWN[kind]
            assert not viewer.evalParamCondition(shown)
            form.root.destroy()
            for name in ("showState", shown):
                (view,) = viewer._getVisualizeDict()[name](name)
                assert isinstance(view, MessageView)
                assert "yet" in view._msg

    def testCrf(self) -> None:
        """Both maps are the core's own, and another CRF is computed when asked for."""
        pick = self.newPick(self.source)
        pick.crf.set(pick.getParam("crf").choices.index("gaussian"))

        def script(window: Any) -> Iterator[None]:
            while not window.status["text"].startswith("Yellow"):
                yield
            before, after = (axes.get_title() for axes in window.axes)
            assert self.fits(window)
            assert before.startswith("no CRF: ")
            assert after.startswith("CRF gaussian, strength 1: ")
            assert before.split(" picks")[1] != after.split(" picks")[1]
            window.crf.set("logits")
            window.strength.var.set(3.0)
            window.preview()
            while not window.status["text"].startswith("Yellow"):
                yield
            assert "logits, strength 3: " in window.axes[1].get_title()
            assert window.axes[0].get_title() == before
            window._handleResult(SELECT)

        self.use(self.openForm(pick), "crf", script)
        assert pick.getEnumText("crf") == "logits"
        assert pick.crfStrength.get() == 3.0
        assert pick.getEnumText("crfSolver") == "auto"

    def testCrfFails(self) -> None:
        """What the core says of a micrograph that is gone stands in the window."""
        path = Path(self.source.outputMicrographs.getFirstItem().getFileName()).resolve()
        hidden = path.with_suffix(".hidden")
        self.addCleanup(hidden.rename, path)

        def script(window: Any) -> Iterator[None]:
            path.rename(hidden)
            window.strength.var.set(2.0)
            window.preview()
            while window.status["text"].startswith("Computing"):
                yield
            assert "does not exist" in window.status["text"]
            window._handleResult(CANCEL)

        pick = self.newPick(self.source)
        self.use(self.openForm(pick), "crfStrength", script)
        assert pick.crfStrength.get() == 1.0

    def testDiameter(self) -> None:
        """A circle drawn across a particle gives its diameter, and so does the slider."""
        pick = self.newPick(self.source)
        expected = {"drag": 150.0, "slide": 120.0}

        def dragged(window: Any) -> Iterator[None]:
            yield
            assert self.fits(window)
            drag(window, (100, 200), (130, 240))  # 50 px
            (circles,) = window.axes[0].collections
            np.testing.assert_allclose(circles.get_offsets(), [[115, 220]], atol=2)
            assert abs(window.diameter - expected["drag"]) <= 2 * PIXEL_SIZE
            window._handleResult(SELECT)

        def slid(window: Any) -> Iterator[None]:
            window.slider.var.set(expected["slide"])
            yield
            assert window.axes[0].get_title() == "120 Å, 40 px"
            window._handleResult(SELECT)

        form = self.openForm(pick)
        self.use(form, "diameter", dragged)
        assert abs(pick.diameter.get() - expected["drag"]) <= 2 * PIXEL_SIZE
        self.use(form, "diameter", slid)
        assert pick.diameter.get() == expected["slide"]

    def testDiameterEstimated(self) -> None:
        """The core's estimate, with circles on its picks, is taken; it can be stopped before."""
        pick = self.newPick(self.source)

        def script(window: Any) -> Iterator[None]:
            hint = window.status["text"]
            window.button.invoke()
            stopped = window._process
            yield
            window.button.invoke()
            assert stopped.poll() is not None
            assert (window.status["text"], window.button["text"]) == (hint, "Estimate")
            assert window.diameter == pick.diameter.get()
            window.button.invoke()
            window.slider.var.set(120.0)
            yield
            assert window.axes[0].get_title() == "120 Å, 40 px"  # it is alive meanwhile
            while window.status["text"].startswith("Estimating"):
                yield
            said = re.match(r"Estimated: (\d+) Å, from (\d+) to (\d+) Å", window.status["text"])
            diameter, low, high = map(int, said.groups())
            assert low < diameter < high
            assert window.diameter == diameter
            assert abs(diameter / DIAMETER - 1) < 0.3
            (circles,) = window.axes[0].collections
            mic = window.micrograph
            true = [c.getPosition() for c in self.source.outputCoordinates.iterCoordinates(mic)]
            distances, _ = cKDTree(true).query(circles.get_offsets())
            assert len(distances) > 5
            assert np.median(distances) * PIXEL_SIZE < 0.25 * DIAMETER
            window._handleResult(SELECT)
            expected.append(diameter)

        expected: List[int] = []
        self.use(self.openForm(pick), "diameter", script)
        assert [pick.diameter.get()] == expected

    def testDiameterOfNothing(self) -> None:
        """Where the core cannot estimate it, the window has its reason, and the old diameter."""
        path = Path(self.source.outputMicrographs.getFirstItem().getFileName()).resolve()
        hidden = path.with_suffix(".hidden")
        self.addCleanup(hidden.rename, path)

        def script(window: Any) -> Iterator[None]:
            path.rename(hidden)
            window.button.invoke()
            while window.status["text"].startswith("Estimating"):
                yield
            assert "does not exist" in window.status["text"]
            window._handleResult(CANCEL)

        pick = self.newPick(self.source)
        before = pick.diameter.get()
        self.use(self.openForm(pick), "diameter", script)
        assert pick.diameter.get() == before

    def testDiameterOfCoordinates(self) -> None:
        """Every coordinate of the micrograph that is chosen has a circle, in every form."""
        labels = self.newProtocol(CryoSegmentProtLabels)
        self.point(labels.inputCoordinates, self.source, "outputCoordinates")
        evaluation = self.newProtocol(CryoSegmentProtEvaluate)
        self.point(evaluation.referenceCoordinates, self.source, "outputCoordinates")
        consensus = self.newProtocol(CryoSegmentProtConsensus)
        consensus.inputCoordinates.append(Pointer(self.source, extended="outputCoordinates"))
        coordinates = self.source.outputCoordinates
        mics = [mic.clone() for mic in self.source.outputMicrographs]
        expected = [[c.getPosition() for c in coordinates.iterCoordinates(mic)] for mic in mics]

        def script(window: Any) -> Iterator[None]:
            for index, centers in enumerate(expected):
                window.chooser.current(index)
                window.chooser.event_generate("<<ComboboxSelected>>")
                yield
                (circles,) = window.axes[0].collections
                np.testing.assert_array_equal(circles.get_offsets(), centers)
            window._handleResult(SELECT)

        for protocol in (labels, evaluation, consensus):
            self.use(self.openForm(protocol), "diameter", script)
            assert protocol.diameter.get() == 150.0

    def testDiameterOfLabels(self) -> None:
        """A training takes the diameter that its labels have, without asking."""
        train = self.newProtocol(CryoSegmentProtTrain)
        train.inputMasks.append(Pointer(self.source, extended="outputMasks"))
        form = self.openForm(train)
        form.wizards["diameter"]().show(form)
        assert abs(train.diameter.get() - DIAMETER) < 1

    def testInputsMissing(self) -> None:
        """Without micrographs the wizards say so."""
        for name in ("diameter", "crf", "boxSize"):

            def script(window: Any) -> Iterator[None]:
                yield
                window._handleResult(SELECT)

            self.use(self.openForm(self.newPick(None)), name, script)

    def testCard(self) -> None:
        """The card of the general model, and of a file; where there is none, that is said."""
        said: List[str] = []

        def script(window: Any) -> Iterator[None]:
            yield
            said.append(" ".join(texts(window)))
            window._handleResult(SELECT)

        self.use(self.openForm(self.newPick(None)), "modelSource", script)
        model = self.newProtocol(CryoSegmentProtImportModel, modelPath=str(model_path(GENERAL)))
        self.use(self.openForm(model), "modelPath", script)
        self.use(self.openForm(self.newPick(None, modelSource=1)), "inputModel", script)
        assert "Recommended threshold" in said[0]
        assert said[1] == said[0]
        assert "Choose a segmentation model" in said[2]

    def testBox(self) -> None:
        """The box is one and a half diameters."""
        pick = self.newPick(self.source, diameter=200.0)
        form = self.openForm(pick)
        form.wizards["boxSize"]().show(form)
        assert pick.boxSize.get() == 100  # at 3 Å/px

    def testLabels(self) -> None:
        """Particles, centres and rejections are drawn, and stand in the tables."""
        mic = self.source.outputMicrographs.getFirstItem()
        coordinates = objects.SetOfCoordinates.create(self.source._getPath(), suffix="doubles")
        coordinates.setBoxSize(90)
        coordinates.setMicrographs(self.newPick(self.source).inputMicrographs)
        positions = [(100, 200), (300, 400), (301, 400)]  # the last is there already
        for x, y in positions:
            coordinate = objects.Coordinate(x=x, y=y)
            coordinate.setMicrograph(mic)
            coordinates.append(coordinate)
        self.source._defineOutputs(outputDoubles=coordinates)
        self.proj._storeProtocol(self.source)
        labels = self.newProtocol(CryoSegmentProtLabels, diameter=DIAMETER, numberOfThreads=1)
        self.point(labels.inputCoordinates, self.source, "outputDoubles")
        self.launchProtocol(labels)

        viewer = CryoSegmentViewerLabels(project=self.proj, protocol=labels)
        viewer.setProtocol(labels)
        content = self.contentOf(viewer, "showLabels")
        first = content.names[0]
        assert content.cells(first)[1:3] == (2, 1)
        dots, crosses = content.marks(first)
        np.testing.assert_allclose(dots.centers_yx[:, ::-1], positions[:2], atol=0.01)
        np.testing.assert_allclose(crosses.centers_yx[:, ::-1], positions[2:], atol=0.01)
        assert crosses.name == "duplicate"
        assert "duplicate" in content.point(first, (400.0, 302.0))
        (picture,) = viewer._showQuality()
        assert picture.getFigure().axes[0].images[0].get_array().shape[1] > 1000
        assert "The general model finds" in " ".join(labels.summary())
        for field, words in (
            ("showMicrographs", ("3", "2", "1")),
            ("showRejected", ("301.00", "duplicate")),
        ):
            viewer._showTable(field)
            (row,) = self.tableRows()
            assert set(words) <= set(row)

    def contentOf(self, viewer: Any, name: str) -> Any:
        """What the window of a viewer shows; it is closed."""
        (view,) = viewer._getVisualizeDict()[name]()
        view.show()
        self.addCleanup(view.window.top.destroy)
        assert view.window.name == view.window.content.names[0]
        return view.window.content

    def tableRows(self) -> List[List[str]]:
        """Rows of the table in the last window, which is closed."""
        window = self.window.root.nametowidget(".").winfo_children()[-1]
        table = next(w for w in window.winfo_children() if w.winfo_class() == "Treeview")
        rows = [list(map(str, table.item(row, "values"))) for row in table.get_children()]
        window.destroy()
        return rows

    def testEvaluation(self) -> None:
        """The truth against itself, coordinates and masks, is right everywhere and on all shown."""
        truth = self.newProtocol(CryoSegmentProtEvaluate, diameter=DIAMETER, margin=30.0)
        self.point(truth.referenceCoordinates, self.source, "outputCoordinates")
        self.point(truth.referenceMasks, self.source, "outputMasks")
        truth.inputCoordinates.append(Pointer(self.source, extended="outputCoordinates"))
        truth.inputMasks.append(Pointer(self.source, extended="outputMasks"))
        self.launchProtocol(truth)
        assert truth.f1Set1.get() == 1.0
        (own,) = truth.getEvaluation().sets
        assert own.masks.mean_average_precision == own.masks.boundary_f1 == 1.0
        assert "Masks of set 1: outlines with F1 1.000" in " ".join(truth.summary())
        viewer = CryoSegmentViewerEvaluate(project=self.proj, protocol=truth)
        viewer.setProtocol(truth)
        content = self.contentOf(viewer, "showMicrographs")
        assert len(content.names) == len(content.files) == 2
        counts = [content.cells(name)[1:] for name in content.names]
        assert all((false, missed, f1) == (0, 0, 1.0) for _, false, missed, f1 in counts)
        assert sum(hits for hits, *_ in counts) == own.overall.reference
        repick = self.newProtocol(CryoSegmentProtRepick)
        self.proj.getRuns(refresh=True)
        for name in ("threshold", "precision"):  # a text and a number
            offered = ScalarTreeProvider(repick, repick.getParam(name)).getObjects()
            assert "f1Set1" in [pointer.getExtended() for pointer in offered]
        viewer._showSets()
        (row,) = self.tableRows()
        assert row[1:5] == [str(own.overall.picks), "1", "1", "1"]

    def testSimulation(self) -> None:
        """The truth is drawn over simulated micrographs."""
        viewer = CryoSegmentViewerLabels(project=self.proj, protocol=self.source)
        viewer.setProtocol(self.source)
        mic = self.source.outputMicrographs.getFirstItem().clone()
        expected = [c.getPosition() for c in self.source.outputCoordinates.iterCoordinates(mic)]
        content = self.contentOf(viewer, "showLabels")
        (dots,) = content.marks(content.names[0])
        np.testing.assert_allclose(dots.centers_yx[:, ::-1], expected, atol=0.51)  # Scipion rounds
        assert content.cells(content.names[0])[1] == len(expected)
        masks = content.tints(content.names[0])[content.over]().colors[..., 3] > 0
        y, x = dots.centers_yx.round().astype(int).T
        assert masks[y, x].mean() > 0.8
