# SPDX-License-Identifier: GPL-3.0-or-later
"""The consensus of sets of coordinates, in a scripted project."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Set

import numpy as np

from cryosegment.exchange.consensus import read_counts
from cryosegment.exchange.job import PAGE_NAME
from cryosegment.tests.coordinate_sets import DIAMETER, FIRST, SECOND, CoordinateSetsTest
from cryosegment.tests.scripted import CryoSegmentProtConsensus, Pointer, objects
from cryosegment.viewers import CryoSegmentViewerConsensus

MOST_SECONDS, POLL_SECONDS = 120.0, 0.2
"""Time that a run has to take in what has come, and between two looks at it."""


class TestCryoSegmentConsensus(CoordinateSetsTest):
    """Picks on two micrographs."""

    def newConsensus(self, *names: str, without: str = "", **options: Any) -> Any:
        """A consensus of outputs of the import."""
        protocol = self.newProtocol(CryoSegmentProtConsensus, diameter=DIAMETER, **options)
        for name in names:
            protocol.inputCoordinates.append(Pointer(self.source, extended=name))
        if without:
            protocol.withoutCoordinates.append(Pointer(self.source, extended=without))
        return protocol

    def testVotes(self) -> None:
        """Picks carry their votes, their sets and their score in each; others go."""
        self.newSet("first", FIRST, score=5.0)
        self.newSet("second", SECOND)
        both = self.launchProtocol(self.newConsensus("first", "second"))
        found = [pick.clone() for pick in both.outputCoordinates]
        assert [pick.getPosition() for pick in found] == [(11, 10), (50, 51)]
        assert [pick.getMicName() for pick in found] == ["a.mrc"] * 2
        assert [pick._cryosegmentVotes.get() for pick in found] == [2, 2]
        assert [pick._cryosegmentSets.get() for pick in found] == ["1+2"] * 2
        assert [pick._cryosegmentScoreInSet1.get() for pick in found] == [5, 4]
        assert [pick._cryosegmentScoreInSet2.get() for pick in found] == [None] * 2
        # ranks among the four of the first set; those without scores are the best
        scores = [pick._cryosegmentScore.get() for pick in found]
        np.testing.assert_allclose(scores, [(1 + 1) / 2, (0.5 + 1) / 2])
        assert [pick._rlnAutopickFigureOfMerit.get() for pick in found] == scores
        assert both.outputCoordinates.isStreamClosed()
        assert both.boxsize.get() == both.outputCoordinates.getBoxSize() == 30
        assert "*2 particles* in 2 micrographs." in both._summary()
        page = Path(both.getFolder(), PAGE_NAME).read_text()
        assert all(pointer.getObjValue().getRunName() in page for pointer in both.inputCoordinates)
        viewer = CryoSegmentViewerConsensus(project=self.proj, protocol=both)
        viewer.setProtocol(both)
        assert sorted(viewer._names()) == ["a", "b"]
        less = self.launchProtocol(self.newConsensus("first", without="second"))
        places = [pick.getPosition() for pick in less.outputCoordinates]
        assert sorted(places) == [(20, 20), (90, 90)]

    def testContinueWithOtherVotes(self) -> None:
        """The outputs are made anew; a run without picks fails."""
        self.newSet("third", FIRST)
        self.newSet("fourth", SECOND)
        protocol = self.launch(self.newConsensus("third", "fourth", radius=0.5))
        assert protocol.isFailed()
        assert "ask for fewer" in protocol.getErrorMessage()
        protocol.votes.set("1")
        again = self.launch(protocol)
        assert again.isFinished(), again.getErrorMessage()
        assert again.outputCoordinates.getSize() == 7

    def testStreaming(self) -> None:
        """What all sets have is done while they grow; what one lacks when that is closed."""
        self.newSet("fifth", FIRST)
        first = self.newSet("growing", {"a": SECOND["a"]})
        first.setStreamState(objects.Set.STREAM_OPEN)
        first.write()
        self.proj._storeProtocol(self.source)
        protocol = self.newConsensus("fifth", "growing", votes="1", streamingSleepOnWait=1)
        self.saveProtocol(protocol)
        done, file = Path(protocol._getExtraPath("consensus")), first.getFileName()
        micrographs = [mic.clone() for mic in self.source.outputMicrographs]
        before: Set[str] = set()
        pause = threading.Event()

        def grow() -> None:
            """Add the picks on the other micrograph when the first is done, and close the set."""
            deadline = time.monotonic() + MOST_SECONDS
            while not before and time.monotonic() < deadline:
                pause.wait(POLL_SECONDS)
                before.update(read_counts(done))
            growing = objects.SetOfCoordinates(filename=file)
            growing.loadAllProperties()
            growing.enableAppend()
            self.append(growing, micrographs, {"b": SECOND["b"]})
            growing.setStreamState(objects.Set.STREAM_CLOSED)
            growing.write()
            growing.close()

        other = threading.Thread(target=grow)
        other.start()
        self.launchProtocol(protocol)
        other.join()
        assert before == {"a"}
        assert set(read_counts(done)) == {"a", "b"}
        assert protocol.outputCoordinates.getSize() == 5
        assert protocol.outputCoordinates.isStreamClosed()

    def testErrors(self) -> None:
        """More votes than sets, in the words of the form."""
        self.newSet("sixth", FIRST)
        protocol = self.newConsensus("sixth", votes="2")
        (error,) = protocol.validate()
        assert error == "expected *Votes* to be at most 1, the number of sets, got 2"
