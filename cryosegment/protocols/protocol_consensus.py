# SPDX-License-Identifier: GPL-3.0-or-later
"""The particles on which the picks of several runs agree."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence, Set

from pwem.objects import Set as EMSet
from pwem.objects import SetOfCoordinates
from pyworkflow.constants import BETA
from pyworkflow.object import Integer, Pointer
from pyworkflow.protocol import params
from pyworkflow.utils import cleanPath

from cryosegment.agreed import append_agreed, latest, picks_on
from cryosegment.convert import mic_name, micrographs_by_name
from cryosegment.exchange.consensus import Counts, read_consensus, read_counts
from cryosegment.exchange.coordinates import Coordinates, box_side, write_coordinates_star
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.files import check_names
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import ConsensusParams
from cryosegment.exchange.pick_folder import COORDINATES, PickFolder
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.wording import counted
from cryosegment.protocols.core_run import CoreRun
from cryosegment.protocols.form_fields import add_field, form_values
from cryosegment.protocols.messages import run_names
from cryosegment.protocols.remembered import Remembered, identity


class CryoSegmentProtConsensus(CoreRun, Remembered):
    """Find the particles on which several sets of coordinates agree.

    Picks are of one particle if any two of them lie within a radius. *Votes* says how many sets
    must have a particle: a number, *majority* or *all*. 1 gives the particles of any set (union),
    all those of every set (intersection); what other sets have can be taken away (difference).

    *Input*: coordinates of any pickers on the same micrographs, with or without scores.

    *Outputs*: *outputCoordinates*, in the pixels of the micrographs of the first set, with
    *_cryosegmentVotes*, *_cryosegmentSets* (the numbers of the sets that have it, such as 1+3),
    *_cryosegmentScoreInSet1* and so on, and *_cryosegmentScore*: the mean over the sets of the
    share of a set's picks that score no more, 0 where a set does not have it; *boxsize* in px.

    *Streaming*: a micrograph is done when all sets have picks on it, or are closed.
    """

    _label = "consensus"
    _devStatus = BETA
    _possibleOutputs = {"outputCoordinates": SetOfCoordinates, "boxsize": Integer}

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Input")
        form.addParam(
            "inputCoordinates",
            params.MultiPointerParam,
            pointerClass="SetOfCoordinates",
            important=True,
            label="Sets of coordinates",
            help="Picks of several pickers, or of one with several settings. The result has the "
            "micrographs of the first.",
        )
        form.addParam(
            "withoutCoordinates",
            params.MultiPointerParam,
            pointerClass="SetOfCoordinates",
            allowsNull=True,
            label="Without",
            help="Coordinates to take away: what is within the radius of one is left out.",
        )
        add_field(form, ConsensusParams, "diameter", "Particle diameter", allowsPointers=True)
        add_field(form, ConsensusParams, "votes", "Votes")
        add_field(form, ConsensusParams, "radius", "Radius", allowsNull=True, allowsPointers=True)
        form.addParallelSection(threads=1, mpi=0)
        self._defineStreamingParams(form)

    # --------------------------- STEPS functions -----------------------------
    @classmethod
    def worksInStreaming(cls) -> bool:
        """Whether it may start while its inputs grow."""
        return True

    def _insertAllSteps(self) -> None:
        sizes = [identity(pointer) for pointer in self._pointers()]
        self._insertFunctionStep(self.consensusStep, self._signature(), sizes, needsGPU=False)

    def consensusStep(self, signature: str, sizes: List[Any]) -> None:
        """Take in what is there of all sets, until all are closed.

        One step waits, as the one that generates the others does in Scipion's own streaming
        protocols: the core itself knows what is done, so that steps for each batch would say it
        twice.

        Raises
        ------
        RuntimeError
            If there is no pick in the end.
        """
        if self._hasOtherParams():
            self._forgetEverything()
        self._remember()
        is_open, before = True, None
        while is_open:
            sets = [latest(pointer) for pointer in self._pointers()]
            is_open = any(each.isStreamOpen() for each in sets)
            state = [
                (each.getSize(), each.getMicrographs().getSize(), each.isStreamOpen())
                for each in sets
            ]
            if state != before:  # to read all picks takes long
                self._takeIn(sets)
            before = state
            for each in sets:
                each.getMicrographs().close()
                each.close()
            if is_open:
                time.sleep(max(1, self.streamingSleepOnWait.get()))
        if not self.hasAttribute("outputCoordinates"):
            raise RuntimeError("no particle has so many votes: ask for fewer, or a larger radius")
        self.outputCoordinates.enableAppend()
        self._updateOutputSet("outputCoordinates", self.outputCoordinates, EMSet.STREAM_CLOSED)

    def _takeIn(self, sets: Sequence[SetOfCoordinates]) -> None:
        """The consensus on all micrographs that are ready and not done."""
        micrographs = sets[0].getMicrographs()
        picks = [picks_on(each, micrographs) for each in sets]
        ready = {name for each in picks for name in each}
        for each, found in zip(sets, picks):
            if each.isStreamOpen():  # where it has no picks yet, they may come
                ready &= set(found)
        if not ready - set(self.getCounts()):
            return
        files = [self._export(i, each, ready) for i, each in enumerate(picks, start=1)]
        count = len(self.inputCoordinates)
        values = {**self._values(), "without": files[count:], "resume": True}
        values["names"] = run_names(self.inputCoordinates)
        job = Job("consensus", values, tuple(files[:count]), self.getFolder())
        before = set(self.getCounts())
        self._runCore(job, PickFolder(self.getFolder()).job)
        self._append(sets[0], set(self.getCounts()) - before)

    def _export(self, number: int, picks: Dict[str, Coordinates], names: Set[str]) -> str:
        """Write the picks of a set on some micrographs."""
        path = self._getExtraPath("sets", f"{number}.star")
        write_coordinates_star(path, [(f"{n}.mrc", picks[n]) for n in sorted(names & set(picks))])
        return str(path)

    def _append(self, first: SetOfCoordinates, names: Set[str]) -> None:
        """Append the picks on micrographs that are done."""
        known, folder = micrographs_by_name(first.getMicrographs()), PickFolder(self.getFolder())
        pixel_size, failures = self._pixelSize(), self.getFailures()
        found = [
            (known[name], read_consensus(folder.file(COORDINATES, name), pixel_size, name))
            for name in sorted(names & set(known) - set(failures))
        ]
        if not any(len(picks) for _, picks in found):
            return
        is_new = not self.hasAttribute("outputCoordinates")
        if is_new:
            coordinates = self._createSetOfCoordinates(self._micrographs())
            coordinates.setBoxSize(self._box())
        else:
            coordinates = self.outputCoordinates
            coordinates.enableAppend()
        append_agreed(coordinates, found)
        self._updateOutputSet("outputCoordinates", coordinates, EMSet.STREAM_OPEN)
        if is_new:
            self._defineOutputs(boxsize=Integer(self._box()))
            for pointer in self._pointers():
                self._defineSourceRelation(pointer, coordinates)

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        if not len(self.inputCoordinates) or self.diameter.get() is None:
            return []  # Scipion itself says that they are missing
        try:
            record = record_from_dict(ConsensusParams, self._values())
            record.votes_of(len(self.inputCoordinates))
            check_names(map(mic_name, self._micrographs().get()))
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _summary(self) -> List[str]:
        counts = self.getCounts()
        if not counts:
            return ["No consensus yet."]
        total = Counts.total(list(counts.values()))
        where = counted(len(counts), "micrograph")
        lines = [f"*{counted(total.picks, 'particle')}* in {where}."]
        for i, (agreed, picks) in enumerate(zip(total.agreed, total.in_set), start=1):
            name = self.inputCoordinates[i - 1].getObjValue()
            lines.append(f"Set {i} ({name}): {agreed} of {counted(int(picks), 'pick')} agreed.")
        numbers = (f"{number} with {i}" for i, number in enumerate(total.particles, start=1))
        lines.append(f"Particles by votes: {', '.join(numbers)}.")
        return lines + self._failuresText(self.getFailures(), f"All are in {self.getFolder()}.")

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputCoordinates"):
            return []
        votes = record_from_dict(ConsensusParams, self._values())
        needed = votes.votes_of(len(self.inputCoordinates))
        count = counted(self.outputCoordinates.getSize(), "particle")
        sets = counted(len(self.inputCoordinates), "set")
        return [f"{count} in at least {needed} of {sets} of picks were taken with CryoSegment."]

    def _citations(self) -> List[str]:
        return ["Cameron2023"]

    # --------------------------- UTILS functions -----------------------------
    def getFailures(self) -> Dict[str, str]:
        """Error of each micrograph that failed, by its name."""
        return self._failuresIn(self.getFolder())

    def getFolder(self) -> str:
        """Folder of the results."""
        return str(self._getExtraPath("consensus"))

    def getCounts(self) -> Dict[str, Counts]:
        """How far the sets agree on each micrograph that is done, by its name."""
        return read_counts(self.getFolder())

    def _pointers(self) -> List[Pointer]:
        """Of the sets, and then of those to take away."""
        return [*self.inputCoordinates, *self.withoutCoordinates]

    def _micrographs(self) -> Pointer:
        return self.inputCoordinates[0].get().getMicrographs(asPointer=True)

    def _pixelSize(self) -> float:
        return float(self._micrographs().get().getSamplingRate())

    def _box(self) -> int:
        return box_side(self.diameter.get(), self._pixelSize())

    def _values(self) -> Dict[str, Any]:
        return {**form_values(self, ConsensusParams), "pixel_size": self._pixelSize()}

    def _signature(self) -> str:
        sets = [identity(pointer)[:2] for pointer in self._pointers()]
        return json.dumps([self._values(), sets, len(self.inputCoordinates)], sort_keys=True)

    def _forgetEverything(self) -> None:
        cleanPath(*map(str, Path(self._getExtraPath()).iterdir()))
        for name in self._possibleOutputs:
            if self.hasAttribute(name):
                self.deleteOutput(getattr(self, name))
        self.mapper.deleteRelations(self)
