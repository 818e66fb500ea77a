# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs of micrographs by their grade: the good ones, and the others."""

from __future__ import annotations

from typing import List

from pwem.objects import Micrograph
from pyworkflow.object import Float, String

from cryosegment.convert import mic_name
from cryosegment.exchange.pick_summary import GOOD
from cryosegment.protocols.picked import Picked

GOOD_ONES, DISCARDED = "outputMicrographs", "outputMicrographsDiscarded"


class GradedMicrographs(Picked):
    """A picking run that sorts its micrographs by what it found on them."""

    _label = None

    def _updateGraded(self, micList: List[Micrograph], streamMode: int) -> None:
        """Append micrographs that are done to the good or to the discarded ones."""
        rows = self.getSummaries()
        for name, is_wanted in ((GOOD_ONES, True), (DISCARDED, False)):
            chosen = [m for m in micList if (rows[mic_name(m)].grade == GOOD) == is_wanted]
            if not chosen:
                continue
            is_new = not self.hasAttribute(name)
            if is_new:
                output = self._createSetOfMicrographs(suffix=name[len(GOOD_ONES) :])
                output.copyInfo(self.getInputMicrographs())
            else:
                output = getattr(self, name)
                output.enableAppend()
            for mic in chosen:
                item, row = mic.clone(), rows[mic_name(mic)]
                item._cryosegmentGrade = String(row.grade)
                item._cryosegmentQuality = Float(row.quality)
                output.append(item)
            self._updateOutputSet(name, output, streamMode)
            if is_new:
                self._defineTransformRelation(self.getInputMicrographsPointer(), output)

    def _closeGraded(self, streamMode: int) -> None:
        """Set the state of the outputs when the stream ends."""
        for name in (GOOD_ONES, DISCARDED):
            if self.hasAttribute(name):
                output = getattr(self, name)
                output.enableAppend()
                self._updateOutputSet(name, output, streamMode)
