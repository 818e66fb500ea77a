# SPDX-License-Identifier: GPL-3.0-or-later
"""Protocols that make or take labels, and the masks that they make of a labels folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List

from pwem.objects import SetOfMicrographs
from pyworkflow.object import Pointer
from pyworkflow.utils import cleanPath

from cryosegment.convert import mic_name, micrographs_by_name
from cryosegment.core_files import core_file
from cryosegment.exchange.coordinates import Coordinates, write_coordinates_star
from cryosegment.exchange.errors import CryoSegmentError, InputError
from cryosegment.exchange.files import check_names
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.micrograph_lists import (
    FAILURES_NAME,
    read_failures,
    write_failures,
)
from cryosegment.exchange.wording import every
from cryosegment.masks import mask_content
from cryosegment.objects import MicrographMask, SetOfMicrographMasks
from cryosegment.protocols.core_run import CoreRun
from cryosegment.protocols.remembered import Remembered


class LabelsRun(CoreRun, Remembered):
    """Base of protocols that run the core once, and of their labels."""

    _label = None

    def _runOnce(self, job: Job, gpu: bool = False) -> None:
        """Run a job that takes the threads of the protocol."""
        path = self._getExtraPath(job.command.replace(" ", "_") + ".json")
        self._runCore(job, path, gpu, self.numberOfThreads.get())

    # --------------------------- labels --------------------------------------
    def getLabelsFolder(self) -> str:
        """Folder of the labels that this run makes, relative to the project."""
        return self._getExtraPath("labels")

    def getQualityFolder(self) -> str:
        """Folder of the results of a check of the labels, relative to the project."""
        return self._getExtraPath("quality")

    def getFailures(self) -> Dict[str, str]:
        """Error of each micrograph without labels, by its name."""
        return self._failuresIn(self.getLabelsFolder())

    def _runLabels(
        self, command: str, values: Dict[str, Any], micrographs: SetOfMicrographs, names: List[str]
    ) -> None:
        """Label the micrographs of these names, from the beginning."""
        cleanPath(self.getLabelsFolder())
        chosen = micrographs_by_name(micrographs)
        files: Dict[str, str] = {}
        failures: Dict[str, str] = {}
        for name in names:
            try:
                files[name] = core_file(chosen[name], self._getExtraPath("micrographs"))
            except InputError as error:
                failures[name] = str(error)
        if not files:
            raise RuntimeError(
                f"{every(len(names), 'micrograph')} failed: {min(failures.values())}"
            )
        values = {**values, "pixel_size": micrographs.getSamplingRate()}
        self._runOnce(
            Job(command, values, tuple(files.values()), self.getLabelsFolder(), tuple(files))
        )
        failures.update(read_failures(self.getLabelsFolder()))
        write_failures(self.getLabelsFolder(), failures)

    def _labelCoordinates(
        self,
        records: Dict[str, Coordinates],
        micrographs: SetOfMicrographs,
        values: Dict[str, Any],
    ) -> None:
        """Label the micrographs that have coordinates, which count their pixels."""
        path = self._getExtraPath("coordinates.star")
        write_coordinates_star(path, records.items())
        self._runLabels(
            "labels coordinates", {**values, "coordinates": path}, micrographs, list(records)
        )

    def _nameErrors(self, micrographs: SetOfMicrographs) -> List[str]:
        try:
            check_names(mic_name(mic) for mic in micrographs)
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _defineMasks(self, folder: str, micrographs: Pointer) -> None:
        """Register the instance maps of a labels folder as outputMasks."""
        chosen = micrographs_by_name(micrographs.get())
        masks = SetOfMicrographMasks.create(self._getPath())
        masks.setMicrographs(micrographs)
        masks.setSamplingRate(micrographs.get().getSamplingRate())
        for entry in read_labels_index(folder).entries:
            mask = MicrographMask(os.path.relpath(str(entry.instances)))
            mask.setMicrograph(chosen[entry.name])
            mask.setContent(*mask_content(mask.getFileName()))
            masks.append(mask)
        self._defineOutputs(outputMasks=masks)

    def _failureLines(self) -> List[str]:
        path = Path(self.getLabelsFolder()) / FAILURES_NAME
        return self._failuresText(self.getFailures(), f"All are in {path}.")
