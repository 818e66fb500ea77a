# SPDX-License-Identifier: GPL-3.0-or-later
"""Picking in batches of micrographs: streaming, failures, Continue, outputs."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

from pwem.objects import Micrograph, SetOfCoordinates
from pyworkflow.object import Integer
from pyworkflow.protocol.constants import STEPS_PARALLEL
from pyworkflow.utils import cleanPath

from cryosegment.convert import append_coordinates, mic_name
from cryosegment.core_files import core_file
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import write_text
from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.exchange.micrograph_lists import FAILURES_NAME, read_failures, write_failures
from cryosegment.exchange.pick_folder import (
    CANDIDATES,
    CONTAMINATION_MASKS,
    COORDINATES,
    INSTANCES,
    PickFolder,
)
from cryosegment.exchange.pick_summary import MicrographSummary, write_summaries
from cryosegment.masks import mask_content
from cryosegment.objects import MicrographMask, SetOfMicrographMasks
from cryosegment.protocols.core_run import CoreRun
from cryosegment.protocols.messages import counted, every
from cryosegment.protocols.remembered import Remembered
from cryosegment.protocols.streamed_picking import StreamedPicking

OUTPUTS = ("outputCoordinates", "outputMasks", "boxsize")


class CryoSegmentProtPickBase(CoreRun, Remembered, StreamedPicking):
    """Base of the picking protocol: each batch of micrographs is one job of the core."""

    _label = None
    stepsExecutionMode = STEPS_PARALLEL
    _possibleOutputs = {
        "outputCoordinates": SetOfCoordinates,
        "outputMasks": SetOfMicrographMasks,
        "boxsize": Integer,
    }
    _filesLock = threading.Lock()

    # --------------------------- what a subclass gives ------------------------
    def _pickParams(self) -> Dict[str, Any]:
        """Parameters of the `pick` job that change its result."""
        raise NotImplementedError

    def _box(self) -> int:
        """Box side in px."""
        raise NotImplementedError

    def _knownThreshold(self) -> Dict[str, Any]:
        """Threshold of the next batch, if it follows the micrographs that are done."""
        raise NotImplementedError

    # --------------------------- INSERT steps functions ----------------------
    def _insertInitialSteps(self) -> List[int]:
        self._forgetStaleResults()
        return []

    def _getPickArgs(self) -> List[str]:
        return [self._signature()]

    def _insertPickMicrographStep(
        self, mic: Micrograph, prerequisites: List[int], *args: str
    ) -> int:
        return self._insertPickMicrographListStep([mic], prerequisites, *args)

    def _insertPickMicrographListStep(
        self, micList: Sequence[Micrograph], prerequisites: List[int], *args: str
    ) -> int:
        return self._insertFunctionStep(
            self.pickMicrographListStep,
            [mic.getMicName() for mic in micList],
            *args,
            prerequisites=prerequisites,
            needsGPU=self.useGpu.get(),
        )

    # --------------------------- STEPS functions -----------------------------
    def pickMicrographListStep(self, micNameList: List[str], *args: str) -> List[str]:
        """Pick in a batch of micrographs; the step counts as done while their markers exist."""
        super().pickMicrographListStep(micNameList, *args)
        return [self._getMicDone(self.micDict[name]) for name in micNameList]

    def _pickMicrographList(self, micList: List[Micrograph], *args: str) -> None:
        if not micList:
            return
        folder = Path(self._getExtraPath("batches", f"{micList[0].getObjId():06d}"))
        files: Dict[str, str] = {}
        failures: Dict[str, str] = {}
        for mic in micList:
            try:
                files[mic_name(mic)] = core_file(mic, self._getTmpPath())
            except InputError as error:
                failures[mic_name(mic)] = str(error)
        if files:
            failures.update(self._runBatch(folder, files))
            self._collect(folder)
        self._recordFailures([mic_name(mic) for mic in micList], failures)

    def _runBatch(self, folder: Path, files: Dict[str, str]) -> Dict[str, str]:
        """Run the core on `files` (by micrograph name); errors by name of those that failed."""
        cleanPath(str(folder / FAILURES_NAME))
        values = {**self.getCoreParams(), **self._knownThreshold(), "resume": True}
        job = Job("pick", values, tuple(files.values()), str(folder), tuple(files))
        error = None
        try:
            self._runCore(job, folder / JOB_NAME, self.useGpu.get(), self.binThreads.get())
        except RuntimeError as stopped:
            error = stopped
        failures = read_failures(folder)
        missing = [
            name
            for name in files
            if name not in failures and not PickFolder(folder).is_picked(name)
        ]
        if missing:
            where = counted(len(missing), "micrograph")
            raise RuntimeError(f"picking stopped at {where}: {error}") from error
        return failures

    def _collect(self, folder: Path) -> None:
        """Move a batch's files to one folder for each kind."""
        for path in folder.glob("*/*"):
            target = Path(self._getExtraPath(path.parent.name, path.name))
            target.parent.mkdir(exist_ok=True)
            path.replace(target)
        with self._filesLock:
            summaries = {**self.getSummaries(), **PickFolder(folder).summaries()}
            write_summaries(self._getExtraPath(), summaries.values())

    def createOutputStep(self) -> List[str]:
        """Check that anything was picked; the outputs themselves grow with each batch."""
        names = [mic_name(mic) for mic in self.micDict.values()]
        failures = self.getFailures()
        if names and set(names) <= set(failures):
            raise RuntimeError(
                f"{every(len(names), 'micrograph')} failed, the first with: {failures[names[0]]}"
            )
        if not self.hasAttribute("outputCoordinates"):
            where = counted(len(names) - len(failures), "micrograph")
            raise RuntimeError(
                f"no particle was found in {where}: check the diameter and the contrast, or lower "
                "the threshold"
            )
        write_text(self._finishedMarker(), "")
        return [self._finishedMarker()]

    # --------------------------- OUTPUT functions ----------------------------
    def _updateOutputCoordSet(self, micList: List[Micrograph], streamMode: int) -> List[Micrograph]:
        failures = self.getFailures()
        picked = [mic for mic in micList if mic_name(mic) not in failures]
        if self.hasAttribute("outputCoordinates") or any(len(self.getPicks(m)) for m in picked):
            super()._updateOutputCoordSet(picked, streamMode)
            if not self.hasAttribute("boxsize"):
                self._defineOutputs(boxsize=Integer(self._box()))
        if self.masks and picked:
            self._updateMasks(picked, streamMode)
        return micList

    def _updateStreamState(self, streamMode: int) -> None:
        if self.hasAttribute("outputCoordinates"):
            super()._updateStreamState(streamMode)
        if self.hasAttribute("outputMasks"):
            self.outputMasks.enableAppend()
            self._updateOutputSet("outputMasks", self.outputMasks, streamMode)

    def readCoordsFromMics(
        self, outputDir: str, micDoneList: List[Micrograph], outputCoords: SetOfCoordinates
    ) -> None:
        """Append the picks of micrographs that are done."""
        outputCoords.setBoxSize(self._box())
        doubts = {name: ", ".join(row.remarks) for name, row in self.getSummaries().items()}
        records = ((mic, self.getPicks(mic)) for mic in micDoneList)
        append_coordinates(outputCoords, records, doubts=doubts)

    def _updateMasks(self, micList: List[Micrograph], streamMode: int) -> None:
        is_new = not self.hasAttribute("outputMasks")
        if is_new:
            masks = SetOfMicrographMasks.create(self._getPath())
            masks.setSamplingRate(self.getInputMicrographs().getSamplingRate())
            masks.setMicrographs(self.getInputMicrographsPointer())
        else:
            masks = self.outputMasks
            masks.enableAppend()
        for mic in micList:
            mask = MicrographMask(self.getMaskFile(mic))
            mask.setMicrograph(mic)
            mask.setContent(*mask_content(mask.getFileName()))
            masks.append(mask)
        self._updateOutputSet("outputMasks", masks, streamMode)
        if is_new:
            self._defineSourceRelation(self.getInputMicrographsPointer(), masks)

    # --------------------------- UTILS functions -----------------------------
    def getCoreParams(self) -> Dict[str, Any]:
        """Parameters of a `pick` job, with the device if it is the CPU."""
        return {**self._pickParams(), **({} if self.useGpu else {"gpu": "cpu"})}

    def getFailures(self) -> Dict[str, str]:
        """Error of each micrograph that failed, by its name."""
        return self._failuresIn(self._getExtraPath())

    def getSummaries(self) -> Dict[str, MicrographSummary]:
        """Figures of each micrograph that is done, and what looks odd about it, by its name."""
        return self._pickFolder().summaries()

    def getCounts(self) -> Dict[str, int]:
        """Number of picks of each micrograph that is done, by its name."""
        return self._pickFolder().counts()

    def iterDone(self) -> Iterator[Micrograph]:
        """Micrographs that are done and have not failed."""
        failures, done = self.getFailures(), set(self._readDoneList())
        for mic in self.getInputMicrographs() or ():
            if mic.getObjId() in done and mic_name(mic) not in failures:
                yield mic.clone()

    def getPicks(self, mic: Micrograph) -> Coordinates:
        """Picks in a micrograph that is done."""
        return self._pickFolder().read(COORDINATES, mic_name(mic), mic.getSamplingRate())

    def getMaskFile(self, mic: Micrograph) -> str:
        """Path of a micrograph's instance mask, which may not exist."""
        return str(self._pickFolder().file(INSTANCES, mic_name(mic)))

    def getContaminationFolder(self) -> str:
        """Folder of the masks of contamination, which may not exist."""
        return self._getExtraPath(CONTAMINATION_MASKS)

    def getCandidates(self, mic: Micrograph) -> Coordinates:
        """All candidates of a micrograph, down to low scores."""
        return self._pickFolder().read(CANDIDATES, mic_name(mic), mic.getSamplingRate())

    def _pickFolder(self) -> PickFolder:
        return PickFolder(self._getExtraPath())

    def _recordFailures(self, tried: Sequence[str], failures: Dict[str, str]) -> None:
        with self._filesLock:  # batches run in parallel threads
            known = read_failures(self._getExtraPath())
            known = {k: v for k, v in known.items() if k not in tried}
            write_failures(self._getExtraPath(), {**known, **failures})

    def _signature(self) -> str:
        return json.dumps({**self._pickParams(), "box": self._box()}, sort_keys=True)

    def _finishedMarker(self) -> str:
        return self._getExtraPath("DONE", "finished.TXT")

    def _forgetStaleResults(self) -> None:
        """On Continue: failed micrographs are tried again, and all where parameters changed."""
        if self._hasOtherParams():
            self.info("The parameters have changed: all micrographs are picked again.")
            self._forgetEverything()
        else:
            self._forgetFailures()
        self._remember()

    def _forgetEverything(self) -> None:
        cleanPath(*map(str, Path(self._getExtraPath()).iterdir()))
        for name in OUTPUTS:
            if self.hasAttribute(name):
                self.deleteOutput(getattr(self, name))
        self.mapper.deleteRelations(self)

    def _forgetFailures(self) -> None:
        failures = self.getFailures()
        failed = [mic.clone() for mic in self.getInputMicrographs() if mic_name(mic) in failures]
        if not failed:
            return
        cleanPath(self._finishedMarker(), *[self._getMicDone(mic) for mic in failed])
        ids = {mic.getObjId() for mic in failed}
        done = [number for number in self._readDoneList() if number not in ids]
        write_text(self._getAllDone(), "".join(f"{number}\n" for number in done))
        write_failures(self._getExtraPath(), {})
