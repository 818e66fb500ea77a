# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs that come while they are picked, in batches that do not wait for ever."""

from __future__ import annotations

import time
from typing import Iterable, List

from pwem.objects import Micrograph
from pwem.protocols import ProtParticlePickingAuto

QUIET_SECONDS = 10.0
"""Time that an incomplete batch waits for another micrograph."""


class StreamedPicking(ProtParticlePickingAuto):
    """Scipion's batches, whose last one would wait for the end of the data collection."""

    _label = None
    _waiting: List[str] = []
    _waitingSince = 0.0

    def _insertNewMicsSteps(self, inputMics: Iterable[Micrograph]) -> List[int]:
        """Steps of whole batches; an incomplete one goes when no micrograph has come for a while.

        Scipion asks every few seconds, with those that have no step yet.
        """
        micrographs = list(inputMics)
        steps = super()._insertNewMicsSteps(micrographs)
        left = [mic for mic in micrographs if mic.getMicName() not in self.micDict]
        names, now = [mic.getMicName() for mic in left], time.monotonic()
        if names != self._waiting:
            self._waiting, self._waitingSince = names, now
        elif left and now - self._waitingSince >= QUIET_SECONDS:
            arguments = (left, self.initialIds, *self._getPickArgs())
            steps.append(self._insertPickMicrographListStep(*arguments))
            self.micDict.update(zip(names, left))
        return steps
