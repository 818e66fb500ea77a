# SPDX-License-Identifier: GPL-3.0-or-later
"""Form fields of simulations, and the job parameters that are made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Tuple

from pwem.objects import Volume
from pwem.protocols import EMProtocol
from pyworkflow.protocol import params

from cryosegment.exchange.params import SimulateParams
from cryosegment.protocols.form_fields import add_field, field_default, form_values

MOLECULE_BUILTIN, MOLECULE_FILE, MOLECULE_VOLUME = 0, 1, 2

Fields = Tuple[Tuple[str, str, str, bool], ...]

CROWDING: Fields = (
    ("particles", "particles", "Particles per micrograph", False),
    ("coverage", "coverage", "Coverage", False),
    ("min_distance", "minDistance", "Smallest distance (diameters)", True),
    ("touching", "touching", "Touching particles", True),
)
VIEWS: Fields = (
    ("preferred", "preferred", "Fraction in a preferred view", True),
    ("preferred_spread", "preferredSpread", "Spread about the preferred view", True),
)
CONTAMINATION: Fields = (
    ("junk", "junk", "Broken particles", False),
    ("aggregates", "aggregates", "Aggregates", False),
    ("gold", "gold", "Gold beads", False),
    ("gold_diameter", "goldDiameter", "Diameter of a gold bead", True),
    ("ice_blobs", "iceBlobs", "Ice crystals and blobs", False),
    ("ice_gradient", "iceGradient", "Brightness gradient", True),
    ("ice_wedge", "iceWedge", "Ice thickness gradient", True),
    ("carbon", "carbon", "Carbon edges", False),
)
IMAGE: Fields = (
    ("pixel_size", "pixelSize", "Pixel size", False),
    ("snr", "snr", "Signal-to-noise ratio", False),
)
DETECTOR: Fields = (
    ("mtf", "mtf", "Detector MTF at Nyquist", True),
    ("dose", "dose", "Dose", True),
)
MICROSCOPE: Fields = (
    ("defocus_min", "defocusMin", "Smallest defocus", False),
    ("defocus_max", "defocusMax", "Largest defocus", False),
    ("astigmatism", "astigmatism", "Astigmatism", True),
    ("voltage", "voltage", "Voltage", True),
    ("spherical_aberration", "sphericalAberration", "Spherical aberration", True),
    ("amplitude_contrast", "amplitudeContrast", "Amplitude contrast", True),
    ("b_factor", "bFactor", "B-factor", True),
    ("focus_spread", "focusSpread", "Focus spread", True),
    ("convergence", "convergence", "Convergence", True),
)
"""Parameter, form field, label, and whether it is for experts."""


class SimulationForm(EMProtocol):
    """Form fields of a simulation: the main ones, and all others as expert fields."""

    _label = None

    def _defineSimulationParams(self, form: params.Form) -> None:
        form.addSection(label="Molecule")
        self._defineMoleculeParams(form)
        add_field(form, SimulateParams, "count", "Micrographs")
        form.addSection(label="Particles")
        self._defineParticleParams(form)
        form.addSection(label="Contamination")
        _add_fields(form, CONTAMINATION)
        form.addSection(label="Image")
        self._defineImageParams(form)
        form.addSection(label="Microscope")
        _add_fields(form, MICROSCOPE)

    def _defineParticleParams(self, form: params.Form) -> None:
        _add_fields(form, CROWDING)
        _add_fields(form, VIEWS)
        for name, value in zip(("Rot", "Tilt"), field_default(SimulateParams, "preferred_view")):
            form.addParam(
                f"preferred{name}",
                params.FloatParam,
                default=value,
                label=f"Preferred view, {name.lower()} (°)",
                help="Angle of the preferred view, in RELION's convention.",
                expertLevel=params.LEVEL_ADVANCED,
            )

    def _defineImageParams(self, form: params.Form) -> None:
        height, width = field_default(SimulateParams, "size")
        for name, value in (("height", height), ("width", width)):
            form.addParam(
                name,
                params.IntParam,
                default=value,
                label=f"{name.capitalize()} (px)",
                help="Size of the micrographs.",
            )
        expert = {"expertLevel": params.LEVEL_ADVANCED}
        _add_fields(form, IMAGE)
        add_field(
            form,
            SimulateParams,
            "snr_db",
            "Signal-to-noise ratio",
            "snrDb",
            allowsNull=True,
            **expert,
        )
        _add_fields(form, DETECTOR)
        add_field(form, SimulateParams, "seed", "Seed", **expert)

    def _defineMoleculeParams(self, form: params.Form) -> None:
        form.addParam(
            "molecule",
            params.EnumParam,
            choices=["built-in", "file", "volume"],
            default=MOLECULE_BUILTIN,
            display=params.EnumParam.DISPLAY_HLIST,
            label="Molecule",
            help="*built-in*: an invented molecule of 180 Å.\n*file*: a map or an atomic model.\n"
            "*volume*: a map of the project.",
        )
        form.addParam(
            "moleculeFile",
            params.FileParam,
            condition=f"molecule == {MOLECULE_FILE}",
            label="Map or atomic model",
            help="MRC, PDB or mmCIF. Several files, separated by commas, make a mixture.",
        )
        form.addParam(
            "inputVolumes",
            params.MultiPointerParam,
            pointerClass="Volume,SetOfVolumes",
            allowsNull=True,
            condition=f"molecule == {MOLECULE_VOLUME}",
            label="Volumes",
            help="Maps with positive density. Several make a mixture.",
        )
        add_field(
            form,
            SimulateParams,
            "ratios",
            "Relative numbers",
            condition=f"molecule != {MOLECULE_BUILTIN}",
            expertLevel=params.LEVEL_ADVANCED,
        )

    def _moleculeErrors(self) -> List[str]:
        if self.molecule == MOLECULE_FILE:
            missing = [path for path in self._files() if not Path(path).is_file()]
            if missing:
                return [
                    f"Choose the file of a map or an atomic model: {missing[0]} does not exist."
                ]
            if not self._files():
                return ["Choose the file of a map or an atomic model."]
        if self.molecule == MOLECULE_VOLUME and not self._volumes():
            return ["Choose a volume, or several."]
        return []

    def _files(self) -> List[str]:
        """Files of the molecules."""
        return [path.strip() for path in (self.moleculeFile.get() or "").split(",") if path.strip()]

    def _volumes(self) -> List[Volume]:
        """Volumes of the molecules, those of sets one by one."""
        volumes: List[Volume] = []
        for pointer in self.inputVolumes:
            chosen = pointer.get()
            if isinstance(chosen, Volume):
                volumes.append(chosen)
            elif chosen is not None:
                volumes += [volume.clone() for volume in chosen]
        return volumes

    def _values(self) -> Dict[str, Any]:
        """Parameters of the job; molecules of the project as they are there."""
        values = form_values(self, SimulateParams)
        values["size"] = [self.height.get(), self.width.get()]
        values["preferred_view"] = [self.preferredRot.get(), self.preferredTilt.get()]
        if values["snr_db"] is not None:
            del values["snr"]
        if self.molecule == MOLECULE_FILE:
            values["molecule"] = self._files()
        elif self.molecule == MOLECULE_VOLUME:
            values["molecule"] = [volume.getFileName() for volume in self._volumes()]
        return values


def _add_fields(form: Any, fields: Fields) -> None:
    for name, attribute, label, is_expert in fields:
        level = params.LEVEL_ADVANCED if is_expert else params.LEVEL_NORMAL
        add_field(form, SimulateParams, name, label, attribute, expertLevel=level)
