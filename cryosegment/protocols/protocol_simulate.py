# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated micrographs with their truth."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Tuple

from pwem.objects import Acquisition, Micrograph, SetOfCoordinates, SetOfMicrographs
from pyworkflow.constants import BETA
from pyworkflow.object import Pointer
from pyworkflow.protocol import params
from pyworkflow.utils import cleanPath

from cryosegment.constants import BOX_PER_DIAMETER
from cryosegment.convert import append_coordinates, volume_file
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.files import read_text, write_text
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.params import SimulateParams
from cryosegment.objects import SetOfMicrographMasks
from cryosegment.protocols.core_run import CoreRun
from cryosegment.protocols.form_fields import add_field, field_default
from cryosegment.protocols.gpu_choice import GpuChoice

MOLECULE_BUILTIN, MOLECULE_FILE, MOLECULE_VOLUME = 0, 1, 2
MAGNIFICATION = 50_000.0

SPECIMEN = (
    ("particles", "particles", "Particles per micrograph", False),
    ("coverage", "coverage", "Coverage", False),
    ("min_distance", "minDistance", "Smallest distance (diameters)", True),
    ("touching", "touching", "Touching particles", True),
    ("preferred", "preferred", "Preferred view", True),
    ("junk", "junk", "Broken particles", True),
    ("aggregates", "aggregates", "Aggregates", True),
    ("gold", "gold", "Gold beads", True),
    ("ice_blobs", "iceBlobs", "Ice crystals and blobs", True),
    ("ice_gradient", "iceGradient", "Gradient of the ice", True),
    ("carbon", "carbon", "Carbon edges", True),
)
MICROSCOPE = (
    ("pixel_size", "pixelSize", "Pixel size", False),
    ("snr", "snr", "Signal-to-noise ratio", False),
    ("defocus_min", "defocusMin", "Smallest defocus", False),
    ("defocus_max", "defocusMax", "Largest defocus", False),
    ("astigmatism", "astigmatism", "Astigmatism", True),
    ("voltage", "voltage", "Voltage", True),
    ("spherical_aberration", "sphericalAberration", "Spherical aberration", True),
    ("amplitude_contrast", "amplitudeContrast", "Amplitude contrast", True),
    ("b_factor", "bFactor", "B-factor", True),
    ("dose", "dose", "Dose", True),
)
"""Parameter, form field, label, and whether it is for experts."""


class CryoSegmentProtSimulate(CoreRun, GpuChoice):
    """Simulate micrographs of a molecule, with the exact truth.

    Check a picker on your own molecule, or train one before there is any data.

    *Outputs*: *outputMicrographs*; *outputCoordinates*, where the particles are; *outputMasks*,
    the pixels of each, on which a model can be trained. Poses and CTF parameters stand in
    extra/simulation/truth/coordinates.star.
    """

    _label = "simulate micrographs"
    _devStatus = BETA
    _possibleOutputs = {
        "outputMicrographs": SetOfMicrographs,
        "outputCoordinates": SetOfCoordinates,
        "outputMasks": SetOfMicrographMasks,
    }

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Specimen")
        form.addParam(
            "molecule",
            params.EnumParam,
            choices=["built-in", "file", "volume"],
            default=MOLECULE_BUILTIN,
            display=params.EnumParam.DISPLAY_HLIST,
            label="Molecule",
            help="*built-in*: a made-up one of 180 Å.\n*file*: a map or an atomic model.\n"
            "*volume*: a map of the project.",
        )
        form.addParam(
            "moleculeFile",
            params.FileParam,
            condition=f"molecule == {MOLECULE_FILE}",
            label="Map or atomic model",
            help="MRC, PDB or mmCIF.",
        )
        form.addParam(
            "inputVolume",
            params.PointerParam,
            pointerClass="Volume",
            condition=f"molecule == {MOLECULE_VOLUME}",
            label="Volume",
            help="Density is bright in it.",
        )
        add_field(form, SimulateParams, "count", "Micrographs")
        self._addFields(form, SPECIMEN)
        form.addSection(label="Microscope")
        height, width = field_default(SimulateParams, "size")
        for name, value in (("height", height), ("width", width)):
            form.addParam(
                name,
                params.IntParam,
                default=value,
                label=f"{name.capitalize()} (px)",
                help="Of the micrographs.",
            )
        self._addFields(form, MICROSCOPE)
        add_field(form, SimulateParams, "seed", "Seed", expertLevel=params.LEVEL_ADVANCED)
        self._defineGpuParams(form, cpu="some seconds per micrograph", gpus="One GPU.")
        form.addParallelSection(threads=2, mpi=0)

    @staticmethod
    def _addFields(form: params.Form, fields: Tuple[Tuple[str, str, str, bool], ...]) -> None:
        for name, attribute, label, is_expert in fields:
            level = params.LEVEL_ADVANCED if is_expert else params.LEVEL_NORMAL
            add_field(form, SimulateParams, name, label, attribute, expertLevel=level)

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        signature = json.dumps(self._values(), sort_keys=True)
        self._insertFunctionStep(self.simulateStep, signature, needsGPU=self.useGpu.get())
        self._insertFunctionStep(self.createOutputStep, signature, needsGPU=False)

    def simulateStep(self, signature: str) -> None:
        """Simulate; micrographs that an interrupted run has finished are kept."""
        marker = Path(self._getExtraPath("parameters.json"))
        is_same = marker.exists() and read_text(marker) == signature
        if not is_same:
            cleanPath(self._folder())
        write_text(marker, signature)
        values = {**self._values(), "resume": is_same}
        if self.molecule == MOLECULE_VOLUME:
            path = volume_file(self.inputVolume.get(), self._getExtraPath("volumes"))
            values["molecule"] = [path]
        if self.useGpu:
            values["gpu"] = "auto"  # Scipion's choice takes its place
        self._runCore(Job("simulate", values, (), self._folder()), gpu=self.useGpu.get())

    def createOutputStep(self, signature: str) -> None:
        """Register micrographs, coordinates and masks."""
        index = read_labels_index(self.getLabelsFolder())
        micrographs = SetOfMicrographs.create(self._getPath())
        micrographs.setSamplingRate(self.pixelSize.get())
        micrographs.setAcquisition(self._acquisition())
        records = []
        for entry in index.entries:
            mic = Micrograph(os.path.relpath(str(entry.micrograph)))
            mic.setMicName(entry.micrograph.name)
            mic.setSamplingRate(self.pixelSize.get())
            mic.setAcquisition(self._acquisition())
            micrographs.append(mic)
            found = read_coordinates(entry.coordinates, entry.pixel_size)
            records.append((mic.clone(), found[entry.name]))
        self._defineOutputs(outputMicrographs=micrographs)
        pointer = Pointer(self, extended="outputMicrographs")
        coordinates = self._createSetOfCoordinates(pointer)
        diameter_px = max(entry.diameter for entry in index.entries) / self.pixelSize.get()
        coordinates.setBoxSize(2 * round(BOX_PER_DIAMETER * diameter_px / 2))
        append_coordinates(coordinates, records)
        self._defineOutputs(outputCoordinates=coordinates)
        self._defineMasks(self.getLabelsFolder(), pointer)

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        errors = self._gpuErrors()
        if self.useGpu and not errors and len(self.getGpuList()) > 1:
            errors.append("A simulation uses one GPU: choose one.")
        if self.molecule == MOLECULE_FILE and not Path(self.moleculeFile.get() or "").is_file():
            errors.append("Choose the file of a map or an atomic model.")
        try:
            values = self._values()
            SimulateParams(**{**values, "size": tuple(values["size"]), "molecule": ("builtin",)})
        except CryoSegmentError as error:
            errors.append(str(error))
        return errors

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputMasks"):
            return ["No micrographs yet."]
        count = self.outputCoordinates.getSize()
        diameter = read_labels_index(self.getLabelsFolder()).entries[0].diameter
        return [
            f"*{count} particles* of {diameter:.0f} Å in {self.outputMicrographs.getSize()} "
            f"micrographs, {self.pixelSize.get():g} Å/px, signal-to-noise ratio "
            f"{self.snr.get():g}."
        ]

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputMicrographs"):
            return []
        return [f"{self.outputMicrographs.getSize()} micrographs were simulated by CryoSegment."]

    # --------------------------- UTILS functions -----------------------------
    def getLabelsFolder(self) -> str:
        """Folder of the truth, relative to the project."""
        return self._getExtraPath("simulation", "truth")

    def _folder(self) -> str:
        return self._getExtraPath("simulation")

    def _acquisition(self) -> Acquisition:
        return Acquisition(
            magnification=MAGNIFICATION,
            voltage=self.voltage.get(),
            sphericalAberration=self.sphericalAberration.get(),
            amplitudeContrast=self.amplitudeContrast.get(),
        )

    def _values(self) -> Dict[str, Any]:
        """Parameters of the job."""
        fields = (*SPECIMEN, *MICROSCOPE)
        values = {name: getattr(self, attribute).get() for name, attribute, _, _ in fields}
        values.update(count=self.count.get(), seed=self.seed.get())
        values["size"] = [self.height.get(), self.width.get()]
        if self.molecule == MOLECULE_FILE:
            values["molecule"] = [self.moleculeFile.get()]
        elif self.molecule == MOLECULE_VOLUME and self.inputVolume.get() is not None:
            values["molecule"] = [self.inputVolume.get().getFileName()]
        return values
