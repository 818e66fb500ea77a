# SPDX-License-Identifier: GPL-3.0-or-later
"""Picking in batches of micrographs: streaming, failures, Continue, outputs."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

from pwem.objects import Micrograph, SetOfCoordinates, SetOfMicrographs
from pyworkflow.object import Integer
from pyworkflow.protocol.constants import STEPS_PARALLEL
from pyworkflow.utils import cleanPath

from cryosegment.convert import mic_name
from cryosegment.core_files import core_file
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import read_text, write_text
from cryosegment.exchange.job import Job, read_job
from cryosegment.exchange.micrograph_lists import read_failures, write_failures
from cryosegment.exchange.params import NO_CLASSES, PickParams
from cryosegment.exchange.pick_folder import (
    CONTAMINATION_MASKS,
    PickFolder,
)
from cryosegment.exchange.pick_summary import append_summary
from cryosegment.exchange.repicking import picking_job
from cryosegment.exchange.wording import counted, every
from cryosegment.objects import SetOfMicrographMasks
from cryosegment.protocols.form_fields import field_default
from cryosegment.protocols.gpu_choice import GpuChoice
from cryosegment.protocols.graded_micrographs import DISCARDED, GOOD_ONES, GradedMicrographs
from cryosegment.protocols.reselection import Reselection
from cryosegment.protocols.streamed_picking import StreamedPicking

OUTPUTS = ("outputCoordinates", "outputMasks", "boxsize", GOOD_ONES, DISCARDED)


class CryoSegmentProtPickBase(Reselection, GradedMicrographs, StreamedPicking, GpuChoice):
    """Base of the picking protocol: each batch of micrographs is one job of the core."""

    _label = None
    stepsExecutionMode = STEPS_PARALLEL
    _possibleOutputs = {
        "outputCoordinates": SetOfCoordinates,
        "outputMasks": SetOfMicrographMasks,
        "boxsize": Integer,
        GOOD_ONES: SetOfMicrographs,
        DISCARDED: SetOfMicrographs,
    }
    _filesLock = threading.Lock()

    # --------------------------- what a subclass gives ------------------------
    def _pickParams(self) -> Dict[str, Any]:
        """Parameters of the `pick` job that change its result."""
        raise NotImplementedError

    def _inputIdentity(self) -> List[Any]:
        """What its inputs besides the micrographs are."""
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
        write_failures(folder, {})
        of_all = {**self._knownThreshold(), "size_classes": NO_CLASSES, "resume": True}
        values = {**self.getCoreParams(), **of_all}
        job = Job("pick", values, tuple(files.values()), str(folder), tuple(files))
        error = None
        try:
            gpu, threads = self.useGpu.get(), self.binThreads.get()
            self._runCore(job, PickFolder(folder).job, gpu, threads, stays=True)
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
            for summary in PickFolder(folder).summaries().values():
                append_summary(self._getExtraPath(), summary)
            self._recordPicking(picking_job(folder))

    def _recordPicking(self, part: Job) -> None:
        """Add the micrographs of a part to the picking run that the extra folder is that of."""
        path = self._pickFolder().picking
        jobs = [*([read_job(path)] if path.exists() else []), part]
        files = {name: file for job in jobs for name, file in zip(job.names, job.inputs)}
        params, folder = self.getCoreParams(), self._getExtraPath()
        Job("pick", params, tuple(files.values()), folder, tuple(files)).write(path)

    def createOutputStep(self) -> List[str]:
        """Check that anything was picked; the outputs themselves grow with each batch."""
        self._cores.close()
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
        micrographs = self.getInputMicrographsPointer()
        self._defineClasses(self._pickParams()["size_classes"], micrographs)
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
        self._updateGraded(picked, streamMode)
        return micList

    def _updateStreamState(self, streamMode: int) -> None:
        if self.hasAttribute("outputCoordinates"):
            super()._updateStreamState(streamMode)
        if self.hasAttribute("outputMasks"):
            self.outputMasks.enableAppend()
            self._updateOutputSet("outputMasks", self.outputMasks, streamMode)
        self._closeGraded(streamMode)

    def readCoordsFromMics(
        self, outputDir: str, micDoneList: List[Micrograph], outputCoords: SetOfCoordinates
    ) -> None:
        """Append the picks of micrographs that are done."""
        self._appendPicks(outputCoords, micDoneList)

    def _updateMasks(self, micList: List[Micrograph], streamMode: int) -> None:
        is_new = not self.hasAttribute("outputMasks")
        if is_new:
            masks = SetOfMicrographMasks.create(self._getPath())
            masks.setMicrographs(self.getInputMicrographsPointer())
        else:
            masks = self.outputMasks
            masks.enableAppend()
        self._appendMasks(masks, micList)
        self._updateOutputSet("outputMasks", masks, streamMode)
        if is_new:
            self._defineSourceRelation(self.getInputMicrographsPointer(), masks)

    # --------------------------- UTILS functions -----------------------------
    def getCoreParams(self) -> Dict[str, Any]:
        """Parameters of a `pick` job, with the device if it is the CPU."""
        return {**self._pickParams(), **self._cpuParams()}

    def getFailures(self) -> Dict[str, str]:
        """Error of each micrograph that failed, by its name."""
        return self._failuresIn(self._getExtraPath())

    def iterDone(self) -> Iterator[Micrograph]:
        """Micrographs that are done and have not failed."""
        failures, done = self.getFailures(), set(self._readDoneList())
        for mic in self.getInputMicrographs() or ():
            if mic.getObjId() in done and mic_name(mic) not in failures:
                yield mic.clone()

    def getContaminationFolder(self) -> str:
        """Folder of the masks of contamination, which may not exist."""
        return self._getExtraPath(CONTAMINATION_MASKS)

    def _recordFailures(self, tried: Sequence[str], failures: Dict[str, str]) -> None:
        with self._filesLock:  # batches run in parallel threads
            known = read_failures(self._getExtraPath())
            known = {k: v for k, v in known.items() if k not in tried}
            write_failures(self._getExtraPath(), {**known, **failures})

    def _signature(self) -> str:
        params = json.dumps({**self._pickParams(), "box": self._box()}, sort_keys=True)
        return json.dumps([params, *self._inputIdentity()])

    def _hasOtherParams(self) -> bool:
        """Whether earlier results were made with other parameters, or of other inputs.

        Parameters that an earlier version did not have were at their defaults.
        """
        if not super()._hasOtherParams():
            return False
        before = json.loads(json.loads(read_text(self._signatureFile()))[0])
        now = json.loads(json.loads(self._signature())[0])
        missing = {name: field_default(PickParams, name) for name in now if name not in before}
        return self._hasOtherInputs() or {**missing, **before} != now

    def _hasOtherInputs(self) -> bool:
        """Whether earlier results were made of other inputs."""
        _, *before = json.loads(read_text(self._signatureFile()))
        return before != json.loads(json.dumps(self._inputIdentity()))

    def _finishedMarker(self) -> str:
        return self._getExtraPath("DONE", "finished.TXT")

    def _forgetStaleResults(self) -> None:
        """On Continue: failed micrographs are tried again, and all where parameters changed."""
        if self._hasOtherParams() and self._isReselection():
            self.info("The selection of picks alone has changed: it is made from the candidates.")
            self._forgetFailures()
            self._reselect()
        elif self._hasOtherParams():
            self.info("The parameters have changed: all micrographs are picked again.")
            self._forgetEverything()
        else:
            self._forgetFailures()
        self._remember()

    def _forgetEverything(self) -> None:
        cleanPath(*map(str, Path(self._getExtraPath()).iterdir()))
        self._forgetOutputs()

    def _forgetOutputs(self) -> None:
        self._forgetClasses()
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
