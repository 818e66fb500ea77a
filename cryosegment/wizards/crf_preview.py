# SPDX-License-Identifier: GPL-3.0-or-later
"""Single micrographs picked by the core with one CRF and another, to compare them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Any, Callable, Dict, NamedTuple

import mrcfile
import numpy as np
from pwem.objects import Micrograph

from cryosegment.convert import mic_name
from cryosegment.core_files import core_file
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import AUTO, NO_CRF
from cryosegment.exchange.parts import SOLVERS
from cryosegment.exchange.pick_folder import COORDINATES, PROBABILITY, PickFolder
from cryosegment.wizards.core_trials import CoreTrials


class CrfChoice(NamedTuple):
    """A CRF as the form has it: name, solver, and the factor on its weights."""

    crf: str = NO_CRF
    solver: str = AUTO
    strength: float = 1.0

    def label(self) -> str:
        """Name for the window."""
        if self.crf == NO_CRF:
            return "no CRF"
        solver = f", {self.solver}" if self.solver in SOLVERS else ""
        return f"CRF {self.crf}{solver}, strength {self.strength:g}"


@dataclass(frozen=True)
class Preview:
    """Result of picking a micrograph.

    Parameters
    ----------
    probability
        `(h, w)`, of being particle, at the pixel size of the network's input.
    picks
        In the micrograph's pixels.
    """

    probability: np.ndarray
    picks: Coordinates


class CrfPreviews(CoreTrials):
    """Picks of micrographs with different CRFs, each computed once.

    Parameters
    ----------
    values
        Parameters of the `pick` job.
    folder
        Folder for the files, removed by its owner.
    in_words
        Translates messages of the core to the words of the form.

    Attributes
    ----------
    diameter
        Of the particles, Å.
    """

    def __init__(self, values: Dict[str, Any], folder: str, in_words: Callable[[str], str]) -> None:
        super().__init__(folder, in_words)
        self._values = {**values, "masks": False, "maps": True, "resume": True}
        self.diameter: float = values["diameter"]

    def isDone(self, micrograph: Micrograph, choice: CrfChoice) -> bool:
        """Whether there is a result to read."""
        return self._results(choice).is_picked(mic_name(micrograph))

    def start(self, micrograph: Micrograph, choice: CrfChoice) -> subprocess.Popen[bytes]:
        """Start the core on a micrograph.

        Raises
        ------
        InputError
            If the micrograph cannot be read.
        """
        output = str(self._results(choice).path)
        crf = {"crf": choice.crf, "crf_solver": choice.solver, "crf_strength": choice.strength}
        path = core_file(micrograph, str(self._folder))
        job = Job("pick", {**self._values, **crf}, (path,), output, (mic_name(micrograph),))
        return self._start(job)

    def read(self, micrograph: Micrograph, choice: CrfChoice) -> Preview:
        """The result, once it is done."""
        name, results = mic_name(micrograph), self._results(choice)
        picks = results.read(COORDINATES, name, micrograph.getSamplingRate())
        values = mrcfile.read(results.file(PROBABILITY, name))
        return Preview(values.astype(np.float32), picks)

    def _results(self, choice: CrfChoice) -> PickFolder:
        return PickFolder(self._folder / f"{choice.crf}_{choice.solver}_{choice.strength:g}")
