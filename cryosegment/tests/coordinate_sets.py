# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of coordinates that tests draw on blank micrographs."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional, Tuple

import mrcfile
import numpy as np

from cryosegment.tests.scripted import Pointer, ProtocolTest, objects

DIAMETER = 40.0  # Å
PIXEL_SIZE = 2.0  # Å/px
Places = Dict[str, List[Tuple[int, int]]]
FIRST: Places = {"a": [(10, 10), (50, 50), (90, 90)], "b": [(20, 20)]}
SECOND: Places = {"a": [(12, 10), (50, 52)], "b": [(70, 70)]}
"""x and y of the picks on each micrograph, px; two are of one particle within 5."""


class CoordinateSetsTest(ProtocolTest):
    """Two micrographs, a and b, and sets of picks on them."""

    @classmethod
    def setUpClass(cls) -> None:
        """Import the micrographs, whose pixels nothing looks at."""
        super().setUpClass()
        for name in "ab":
            pixels = np.zeros((100, 100), np.float32)
            mrcfile.write(cls.folder / f"{name}.mrc", pixels, voxel_size=PIXEL_SIZE)
        cls.source = cls.importMicrographs(cls.folder / "*.mrc", PIXEL_SIZE)

    def newSet(self, name: str, places: Places, score: Optional[float] = None) -> Any:
        """A set of coordinates that is an output of the import, and closed."""
        coordinates = objects.SetOfCoordinates.create(self.source._getExtraPath(), suffix=name)
        coordinates.setMicrographs(Pointer(self.source, extended="outputMicrographs"))
        coordinates.setBoxSize(20)
        self.append(coordinates, self.source.outputMicrographs, places, score)
        self.source._defineOutputs(**{name: coordinates})
        self.proj._storeProtocol(self.source)
        return coordinates

    @staticmethod
    def append(
        target: Any, micrographs: Iterable[Any], places: Places, score: Optional[float] = None
    ) -> None:
        """Append picks; of those on a micrograph, each scores less than the one before."""
        for mic in micrographs:
            for i, (x, y) in enumerate(places.get(mic.getMicName()[0], ())):
                coordinate = objects.Coordinate(x=x, y=y)
                coordinate.setMicrograph(mic)
                if score is not None:
                    coordinate._cryoloScore = objects.Float(score - i)
                target.append(coordinate)
