# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs in batches to the core and back: streaming, failures, Continue, outputs."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from pwem.objects import Micrograph, SetOfCoordinates
from pwem.protocols import ProtParticlePickingAuto
from pyworkflow.object import Integer
from pyworkflow.protocol.constants import STEPS_PARALLEL
from pyworkflow.utils import cleanPath

from cryosegment.convert import append_coordinates, mask_content, mic_name
from cryosegment.core_files import core_file
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import read_failures, read_text, write_failures, write_text
from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.objects import MicrographMask, SetOfMicrographMasks
from cryosegment.plugin import Plugin

OUTPUTS = ("outputCoordinates", "outputMasks", "boxsize")


class CryoSegmentProtPickBase(ProtParticlePickingAuto):
    """What a picker needs beside its form: a batch of micrographs is one job of the core."""

    _label = None
    stepsExecutionMode = STEPS_PARALLEL
    _possibleOutputs = {
        "outputCoordinates": SetOfCoordinates,
        "outputMasks": SetOfMicrographMasks,
        "boxsize": Integer,
    }
    _failuresLock = threading.Lock()

    # --------------------------- what a subclass gives ------------------------
    def _pickParams(self) -> Dict[str, Any]:
        """Parameters of the `pick` job that change its result."""
        raise NotImplementedError

    def _box(self) -> int:
        """Box side in px."""
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
            failures.update(self._runCore(folder, files))
            self._collect(folder)
        self._recordFailures([mic_name(mic) for mic in micList], failures)

    def _runCore(self, folder: Path, files: Dict[str, str]) -> Dict[str, str]:
        """Run the core on `files` (by micrograph name); errors by name of those that failed."""
        cleanPath(str(folder / "failures.csv"))
        values = {**self.getCoreParams(), "resume": True}
        job = Job("pick", values, tuple(files.values()), str(folder), tuple(files))
        job.write(folder / JOB_NAME)
        command = Plugin.getCommand("run", str(folder / JOB_NAME), gpu=self.useGpu.get())
        environ = Plugin.getEnviron()
        environ["OMP_NUM_THREADS"] = str(max(1, self.binThreads.get()))
        error = None
        try:
            self.runJob(*command, env=environ)
        except CalledProcessError as called:
            error = called
        failures = read_failures(folder)
        missing = [
            name
            for name in files
            if name not in failures and not (folder / "coordinates" / f"{name}.star").exists()
        ]
        if missing:
            raise RuntimeError(self._coreError(missing)) from error
        return failures

    def _coreError(self, missing: List[str]) -> str:
        lines = read_text(self.getStderrLog()).strip().splitlines()
        return f"picking stopped at {len(missing)} micrographs: {lines[-1] if lines else ''}"

    def _collect(self, folder: Path) -> None:
        """Move a batch's files to one folder for each kind."""
        for path in folder.glob("*/*"):
            target = Path(self._getExtraPath(path.parent.name, path.name))
            target.parent.mkdir(exist_ok=True)
            path.replace(target)

    def createOutputStep(self) -> List[str]:
        """Check that anything was picked; the outputs themselves grow with each batch."""
        names = [mic_name(mic) for mic in self.micDict.values()]
        failures = self.getFailures()
        if names and set(names) <= set(failures):
            raise RuntimeError(
                f"all {len(names)} micrographs failed, the first with: {failures[names[0]]}"
            )
        if not self.hasAttribute("outputCoordinates"):
            raise RuntimeError(
                f"no particle was found in {len(names) - len(failures)} micrographs: check the "
                "diameter and the contrast, or lower the threshold"
            )
        write_text(self._finishedMarker(), "")
        return [self._finishedMarker()]

    # --------------------------- OUTPUT functions ----------------------------
    def _updateOutputCoordSet(self, micList: List[Micrograph], streamMode: int) -> List[Micrograph]:
        failures = self.getFailures()
        picked = [mic for mic in micList if mic_name(mic) not in failures]
        if self.hasAttribute("outputCoordinates") or any(len(self._picks(m)) for m in picked):
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
        append_coordinates(outputCoords, ((mic, self._picks(mic)) for mic in micDoneList))

    def _picks(self, mic: Micrograph) -> Coordinates:
        path = self._getExtraPath("coordinates", f"{mic_name(mic)}.star")
        sampling_rate = self.getInputMicrographs().getSamplingRate()
        return read_coordinates(path, sampling_rate)[mic_name(mic)]

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
        """Parameters of a `pick` job, with the device where it is no GPU."""
        return {**self._pickParams(), **({} if self.useGpu else {"gpu": "cpu"})}

    def getFailures(self) -> Dict[str, str]:
        """Error of each micrograph that failed, by its name."""
        return read_failures(self._getExtraPath())

    def iterPicks(self) -> Iterator[Tuple[Micrograph, Coordinates]]:
        """Micrographs that are done, with their picks."""
        failures, done = self.getFailures(), set(self._readDoneList())
        for mic in self.getInputMicrographs():
            if mic.getObjId() in done and mic_name(mic) not in failures:
                yield mic.clone(), self._picks(mic)

    def getMaskFile(self, mic: Micrograph) -> str:
        """File of a micrograph's instance mask, whether it is there or not."""
        return self._getExtraPath("instances", f"{mic_name(mic)}.mrc")

    def getCandidates(self, mic: Micrograph) -> Coordinates:
        """All that might be a particle in a micrograph, down to low scores."""
        path = self._getExtraPath("candidates", f"{mic_name(mic)}.star")
        return read_coordinates(path, mic.getSamplingRate())[mic_name(mic)]

    def _recordFailures(self, tried: Sequence[str], failures: Dict[str, str]) -> None:
        with self._failuresLock:  # batches run in parallel threads
            known = {k: v for k, v in self.getFailures().items() if k not in tried}
            write_failures(self._getExtraPath(), {**known, **failures})

    def _signature(self) -> str:
        return json.dumps({**self._pickParams(), "box": self._box()}, sort_keys=True)

    def _signatureFile(self) -> str:
        return self._getExtraPath("parameters.json")

    def _finishedMarker(self) -> str:
        return self._getExtraPath("DONE", "finished.TXT")

    def _hasOtherParams(self) -> bool:
        """Whether earlier results were made with other parameters."""
        path = Path(self._signatureFile())
        return path.exists() and read_text(path) != self._signature()

    def _forgetStaleResults(self) -> None:
        """On Continue: failed micrographs are tried again, and all where parameters changed."""
        if self._hasOtherParams():
            self.info("The parameters have changed: all micrographs are picked again.")
            self._forgetEverything()
        else:
            self._forgetFailures()
        write_text(self._signatureFile(), self._signature())

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
