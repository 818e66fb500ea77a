# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulation of micrographs."""

from __future__ import annotations

import json
import os
from typing import Iterable, List

from pwem.objects import Acquisition, Micrograph, SetOfCoordinates, SetOfCTF, SetOfMicrographs
from pyworkflow.constants import BETA
from pyworkflow.object import Pointer
from pyworkflow.protocol import params
from pyworkflow.utils import cleanPath

from cryosegment.convert import append_coordinates, append_ctfs, micrographs_by_name
from cryosegment.core_files import volume_file
from cryosegment.exchange.coordinates import box_side, read_coordinates
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import LabelEntry, read_labels_index
from cryosegment.exchange.params import AUTO, SimulateParams
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.star import read_star
from cryosegment.exchange.wording import counted
from cryosegment.objects import SetOfMicrographMasks
from cryosegment.protocols.gpu_choice import GpuChoice
from cryosegment.protocols.labels_run import LabelsRun
from cryosegment.protocols.simulation_form import MOLECULE_VOLUME, SimulationForm

MAGNIFICATION = 50_000.0


class CryoSegmentProtSimulate(LabelsRun, SimulationForm, GpuChoice):
    """Simulate micrographs of a molecule, with true coordinates, orientations and masks.

    Test a picker on your own molecule, or train one before there is any data.

    *Outputs*: *outputMicrographs*; *outputCoordinates*, where the particles are; *outputMasks*,
    the pixels of each, on which a model can be trained; *outputCTF*. Coordinates carry species
    and orientation; extra/simulation/truth/coordinates.star has everything as RELION reads it.
    """

    _label = "simulate micrographs"
    _devStatus = BETA
    _possibleOutputs = {
        "outputMicrographs": SetOfMicrographs,
        "outputCoordinates": SetOfCoordinates,
        "outputCTF": SetOfCTF,
        "outputMasks": SetOfMicrographMasks,
    }

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        self._defineSimulationParams(form)
        self._defineGpuParams(form, cpu="some seconds per micrograph", gpus="One GPU.")
        form.addParallelSection(threads=2, mpi=0)

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        signature = self._signature()
        self._insertFunctionStep(self.simulateStep, signature, needsGPU=self.useGpu.get())
        self._insertFunctionStep(self.createOutputStep, signature, needsGPU=False)

    def simulateStep(self, signature: str) -> None:
        """Simulate; micrographs that an interrupted run has finished are kept."""
        is_same = self._signatureFile().exists() and not self._hasOtherParams()
        if not is_same:
            cleanPath(self._folder())
        self._remember()
        values = {**self._values(), "resume": is_same}
        if self.molecule == MOLECULE_VOLUME:
            values["molecule"] = [
                volume_file(volume, self._getExtraPath("volumes", str(number)))
                for number, volume in enumerate(self._volumes(), start=1)
            ]
        if self.useGpu:
            values["gpu"] = AUTO  # Scipion's choice takes its place
        self._runOnce(Job("simulate", values, (), self._folder()), gpu=self.useGpu.get())

    def createOutputStep(self, signature: str) -> None:
        """Register micrographs, CTFs, coordinates and masks."""
        entries = read_labels_index(self.getLabelsFolder()).entries
        micrographs = self._createMicrographs(entries)
        self._defineOutputs(outputMicrographs=micrographs)
        pointer = Pointer(self, extended="outputMicrographs")
        chosen = micrographs_by_name(micrographs)
        truth = {entry.name: read_star(entry.coordinates)["particles"] for entry in entries}
        ctfs = self._createSetOfCTF()
        ctfs.setMicrographs(pointer)
        append_ctfs(ctfs, ((chosen[name], block) for name, block in truth.items()))
        coordinates = self._createSetOfCoordinates(pointer)
        diameter = max(entry.diameter for entry in entries)
        coordinates.setBoxSize(box_side(diameter, self.pixelSize.get()))
        records = [
            (chosen[entry.name], read_coordinates(entry.coordinates, entry.pixel_size)[entry.name])
            for entry in entries
        ]
        append_coordinates(coordinates, records, truth)
        self._defineOutputs(outputCoordinates=coordinates, outputCTF=ctfs)
        self._defineCtfRelation(pointer, ctfs)
        self._defineMasks(self.getLabelsFolder(), pointer)

    def _createMicrographs(self, entries: Iterable[LabelEntry]) -> SetOfMicrographs:
        micrographs = SetOfMicrographs.create(self._getPath())
        micrographs.setSamplingRate(self.pixelSize.get())
        micrographs.setAcquisition(self._acquisition())
        for entry in entries:
            mic = Micrograph(os.path.relpath(str(entry.micrograph)))
            mic.setMicName(entry.micrograph.name)
            mic.setSamplingRate(self.pixelSize.get())
            mic.setAcquisition(self._acquisition())
            micrographs.append(mic)
        return micrographs

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        errors = self._gpuErrors()
        if self.useGpu and not errors and len(self.getGpuList()) > 1:
            errors.append("A simulation uses one GPU: choose one.")
        errors += self._moleculeErrors()
        if errors:
            return errors
        try:
            record_from_dict(SimulateParams, self._values())
        except CryoSegmentError as error:
            errors.append(str(error))
        return errors

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputMasks"):
            return ["No micrographs yet."]
        count, values = self.outputCoordinates.getSize(), self._values()
        diameter = read_labels_index(self.getLabelsFolder()).entries[0].diameter
        species = len(values.get("molecule", ()))
        size = f"{species} species, up to {diameter:.0f} Å," if species > 1 else f"{diameter:.0f} Å"
        snr = f"{values['snr_db']:g} dB" if values["snr_db"] is not None else f"{values['snr']:g}"
        where = counted(self.outputMicrographs.getSize(), "micrograph")
        return [
            f"*{counted(count, 'particle')}* of {size} in {where}, {self.pixelSize.get():g} Å/px, "
            f"signal-to-noise ratio {snr}."
        ]

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputMicrographs"):
            return []
        count = counted(self.outputMicrographs.getSize(), "micrograph")
        return [f"With CryoSegment, {count} of a molecule were simulated."]

    # --------------------------- UTILS functions -----------------------------
    def getLabelsFolder(self) -> str:
        """Folder of the truth, relative to the project."""
        return self._getExtraPath("simulation", "truth")

    def _signature(self) -> str:
        return json.dumps(self._values(), sort_keys=True)

    def _folder(self) -> str:
        return self._getExtraPath("simulation")

    def _acquisition(self) -> Acquisition:
        return Acquisition(
            magnification=MAGNIFICATION,
            voltage=self.voltage.get(),
            sphericalAberration=self.sphericalAberration.get(),
            amplitudeContrast=self.amplitudeContrast.get(),
        )
