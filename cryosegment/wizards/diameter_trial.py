# SPDX-License-Identifier: GPL-3.0-or-later
"""The estimate of a diameter from a few micrographs, as the core makes it."""

from __future__ import annotations

import subprocess
from typing import Any, Callable, Dict, List, Set

import numpy as np
from pwem.objects import Micrograph

from cryosegment.convert import mic_name
from cryosegment.core_files import core_file
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.diameter_estimate import DiameterEstimate, read_estimate
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import DiameterParams
from cryosegment.exchange.pick_folder import COORDINATES, PickFolder
from cryosegment.wizards.core_trials import CoreTrials

FOLDER = "diameter"


class DiameterTrial(CoreTrials):
    """An estimate of the diameter, and the picks with it.

    Parameters
    ----------
    values
        Parameters of the `diameter` job.
    folder, in_words
        As for `CoreTrials`.
    """

    def __init__(self, values: Dict[str, Any], folder: str, in_words: Callable[[str], str]) -> None:
        super().__init__(folder, in_words)
        self._values = values
        self._results = PickFolder(self._folder / FOLDER)

    def start(self, micrographs: List[Micrograph]) -> subprocess.Popen[bytes]:
        """Start the core on some of the micrographs, evenly chosen.

        Raises
        ------
        InputError
            If one cannot be read.
        """
        count = min(DiameterParams.count, len(micrographs))
        chosen = [
            micrographs[i] for i in np.linspace(0, len(micrographs) - 1, count).round().astype(int)
        ]
        files = [core_file(mic, str(self._folder)) for mic in chosen]
        names = tuple(map(mic_name, chosen))
        return self._start(
            Job("diameter", self._values, tuple(files), str(self._results.path), names)
        )

    def estimate(self) -> DiameterEstimate:
        """The estimate, once it is done.

        Raises
        ------
        InputError
            If it was not made.
        """
        return read_estimate(self._results.path)

    def names(self) -> Set[str]:
        """Names of the micrographs that were looked at."""
        return set(self._results.names(COORDINATES))

    def picks(self, micrograph: Micrograph) -> Coordinates:
        """Picks with the estimated diameter in one of these."""
        return self._results.read(COORDINATES, mic_name(micrograph), micrograph.getSamplingRate())
