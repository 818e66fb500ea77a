# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of protocols that pick: what their folders hold, and the outputs made of it."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

import numpy as np
from pwem.objects import Micrograph, SetOfCoordinates
from pwem.protocols import EMProtocol
from pyworkflow.object import Pointer

from cryosegment.convert import append_coordinates, mic_name
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import NO_CLASSES
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, INSTANCES, PickFolder
from cryosegment.exchange.pick_summary import MicrographSummary
from cryosegment.exchange.settings import PickSettings
from cryosegment.exchange.size_classes import by_size, class_boundaries
from cryosegment.masks import mask_content, mask_pixel_size
from cryosegment.objects import MicrographMask, SetOfMicrographMasks

COORDINATES_OUTPUT = "outputCoordinates"
CLASS_OUTPUT = COORDINATES_OUTPUT + "Size"
"""Output of a size class, before its number."""
SAMPLE = 64
"""Micrographs whose candidates choose a threshold that follows the micrographs."""


class Picked(EMProtocol):
    """A protocol whose extra folder holds the results of picking."""

    _label = None

    # --------------------------- what a subclass gives ------------------------
    def getDiameter(self) -> float:
        """Particle diameter, Å."""
        raise NotImplementedError

    def _settings(self) -> Optional[PickSettings]:
        """What picking runs on; nothing where that is not known."""
        raise NotImplementedError

    def _box(self) -> int:
        """Box side in px."""
        raise NotImplementedError

    # --------------------------- results -------------------------------------
    def getSummaries(self) -> Dict[str, MicrographSummary]:
        """Figures of each micrograph that is done, and what looks odd about it, by its name."""
        return self._pickFolder().summaries()

    def getCounts(self) -> Dict[str, int]:
        """Number of picks of each micrograph that is done, by its name."""
        return self._pickFolder().counts()

    def iterDone(self) -> Iterator[Micrograph]:
        """Micrographs that are done and have not failed."""
        done = self.getSummaries()
        for mic in self.getInputMicrographs() or ():
            if mic_name(mic) in done:
                yield mic.clone()

    def getPicks(self, mic: Micrograph) -> Coordinates:
        """Picks in a micrograph that is done."""
        return self._pickFolder().read(COORDINATES, mic_name(mic), mic.getSamplingRate())

    def getMaskFile(self, mic: Micrograph) -> str:
        """Path of a micrograph's instance mask, which may not exist."""
        return str(self._pickFolder().file(INSTANCES, mic_name(mic)))

    def getThreshold(self) -> float:
        """Lowest score of a pick; where it follows the micrographs, by some of those done."""
        settings = self._settings()
        return settings.threshold_for(self._knownScores(settings)) if settings else 0.0

    def _knownScores(self, settings: PickSettings) -> np.ndarray:
        """Scores of the candidates of at most `SAMPLE` micrographs, where the threshold asks."""
        results = self._pickFolder()
        names = results.names(CANDIDATES) if settings.threshold is None else []
        found = [np.empty(0)]
        for name in names[:: 1 + len(names) // SAMPLE]:
            candidates = results.read(CANDIDATES, name, 1.0)
            found.append(candidates.scores[settings.is_eligible(candidates)])
        return np.concatenate(found)

    def getPickFolder(self) -> str:
        """Folder of the results, relative to the project."""
        return str(self._getExtraPath())

    def _pickFolder(self) -> PickFolder:
        return PickFolder(self.getPickFolder())

    # --------------------------- outputs -------------------------------------
    def _appendPicks(self, target: SetOfCoordinates, micrographs: Iterable[Micrograph]) -> None:
        """Append the picks of micrographs that are done."""
        self._appendRecords(target, ((mic, self.getPicks(mic)) for mic in micrographs))

    def _appendRecords(
        self, target: SetOfCoordinates, records: Iterable[Tuple[Micrograph, Coordinates]]
    ) -> None:
        """Append picks by micrograph, with what was noticed about it."""
        target.setBoxSize(self._box())
        doubts = {name: ", ".join(row.remarks) for name, row in self.getSummaries().items()}
        append_coordinates(target, records, doubts=doubts)

    def registerPicks(self, picks: Mapping[str, Coordinates], comment: str) -> str:
        """Make another output of picks by their micrograph's name; its own name.

        Raises
        ------
        InputError
            If there are none, or the run goes on.
        """
        if self.isActive():
            raise InputError("expected a run that has ended: register the picks when it has")
        if not any(map(len, picks.values())):
            raise InputError("expected picks to register, got none: lower the threshold")
        number = 2
        while self.hasAttribute(f"{COORDINATES_OUTPUT}{number}"):
            number += 1
        micrographs = self.getInputMicrographsPointer()
        coordinates = self._createSetOfCoordinates(micrographs, suffix=str(number))
        done = [mic for mic in self.iterDone() if mic_name(mic) in picks]
        self._appendRecords(coordinates, [(mic, picks[mic_name(mic)]) for mic in done])
        coordinates.setObjComment(comment)
        self._defineOutputs(**{f"{COORDINATES_OUTPUT}{number}": coordinates})
        self._defineSourceRelation(micrographs, coordinates)
        self._store()
        return f"{COORDINATES_OUTPUT}{number}"

    def _defineClasses(self, sizeClasses: str, micrographs: Pointer) -> None:
        """Make an output of each size class that has picks, in place of earlier ones."""
        self._forgetClasses()
        done = list(self.iterDone())
        picks = [(mic, self.getPicks(mic)) for mic in done] if sizeClasses != NO_CLASSES else []
        boundaries = class_boundaries(sizeClasses, [found for _, found in picks])
        parted = [(mic, by_size(found, boundaries)) for mic, found in picks]
        for number in range(1, len(boundaries) + 2) if picks else ():
            name = f"{CLASS_OUTPUT}{number}"
            coordinates = self._createSetOfCoordinates(micrographs, suffix=name)
            self._appendRecords(coordinates, [(mic, each[number - 1]) for mic, each in parted])
            if coordinates.getSize():
                self._defineOutputs(**{name: coordinates})
                self._defineSourceRelation(micrographs, coordinates)

    def _forgetClasses(self) -> None:
        for name, output in list(self.iterOutputAttributes()):
            if name.startswith(CLASS_OUTPUT):
                self.deleteOutput(output)

    def _appendMasks(self, target: SetOfMicrographMasks, micrographs: List[Micrograph]) -> None:
        """Append the masks of micrographs that are done; the first gives the set its scale."""
        for mic in micrographs:
            mask = MicrographMask(self.getMaskFile(mic))
            if not target.getSamplingRate():
                target.setSamplingRate(mask_pixel_size(mask.getFileName()))
            mask.setMicrograph(mic)
            mask.setContent(*mask_content(mask.getFileName()))
            target.append(mask)
