# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion objects: a segmentation model, and masks that lie on micrographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from pwem.objects import EMObject, Image, Micrograph, SetOfImages
from pyworkflow.object import Float, Integer, Pointer, String

from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.settings import recommended_threshold


class SegmentationModel(EMObject):
    """A trained model: its file, and facts of its card."""

    def __init__(self, path: Optional[str] = None, **kwargs: Any) -> None:
        EMObject.__init__(self, **kwargs)
        self._path = String(path)
        self._name = String()
        self._architecture = String()
        self._labelSource = String()
        self._threshold = Float()
        self._smallestDiameter = Float()
        self._largestDiameter = Float()

    def getPath(self) -> str:
        """Path of the model file, relative to the project."""
        return self._path.get()

    def getFileName(self) -> str:
        """Path of the model file, as Scipion's file browser asks for it."""
        return self.getPath()

    def setCard(self, card: ModelCard) -> None:
        """Set the facts of the model's card."""
        self._name.set(card.name)
        self._architecture.set(card.network.architecture)
        self._labelSource.set(card.provenance.label_source)
        self._threshold.set(recommended_threshold(card))
        diameters = card.provenance.particle_diameters
        if diameters:
            self._smallestDiameter.set(min(diameters))
            self._largestDiameter.set(max(diameters))

    def __str__(self) -> str:
        name = self._name.get() or Path(self.getPath() or "").stem
        text = f"SegmentationModel ({name}, {self._architecture.get()}"
        if self._largestDiameter.hasValue():
            text += f", {self._smallestDiameter.get():.0f}-{self._largestDiameter.get():.0f} Å"
        return text + ")"


class MicrographMask(Image):
    """Particles of a micrograph as labels: 0 is background, k > 0 is particle k."""

    def __init__(self, location: Any = None, **kwargs: Any) -> None:
        Image.__init__(self, location, **kwargs)
        self._micId = Integer()
        self._micName = String()
        self._particles = Integer()
        self._coverage = Float()

    def setMicrograph(self, micrograph: Micrograph) -> None:
        """Set the micrograph that the mask belongs to."""
        self._micId.set(micrograph.getObjId())
        self._micName.set(micrograph.getMicName())

    def getMicId(self) -> int:
        """Id of the micrograph in its set."""
        return self._micId.get()

    def getMicName(self) -> str:
        """Name of the micrograph."""
        return self._micName.get()

    def setContent(self, particles: int, coverage: float) -> None:
        """Set the number of particles and the fraction of the area they cover."""
        self._particles.set(particles)
        self._coverage.set(coverage)

    def getParticles(self) -> int:
        """Number of particles in the mask."""
        return self._particles.get()

    def getCoverage(self) -> float:
        """Fraction of the micrograph that particles cover."""
        return self._coverage.get()


class SetOfMicrographMasks(SetOfImages):
    """A mask for each micrograph of a set."""

    ITEM_TYPE = MicrographMask

    def __init__(self, **kwargs: Any) -> None:
        SetOfImages.__init__(self, **kwargs)
        self._micrographsPointer = Pointer()

    def setMicrographs(self, pointer: Pointer) -> None:
        """Set the pointer to the micrographs that the masks belong to."""
        self._micrographsPointer.copy(pointer)

    def getMicrographs(self) -> Any:
        """Micrographs that the masks belong to."""
        return self._micrographsPointer.get()
