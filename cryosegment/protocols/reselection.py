# SPDX-License-Identifier: GPL-3.0-or-later
"""Continue of a picking run whose selection alone has changed: other picks, no new picking."""

from __future__ import annotations

from pathlib import Path
from typing import List

from pyworkflow.utils import cleanPath

from cryosegment.exchange.job import Job
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.params.repicking import LIMITS, WISHES
from cryosegment.exchange.pick_folder import CANDIDATES, SEGMENTATIONS, PickFolder
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.repicking import have_same_candidates, picking_job
from cryosegment.protocols.core_run import CoreRun
from cryosegment.protocols.picked import Picked
from cryosegment.protocols.remembered import Remembered

REPICKED = "repicked"
"""Folder in which other picks are made before they replace those of the run."""


class Reselection(CoreRun, Remembered, Picked):
    """A picking run that selects anew among its candidates, and says what Continue replaces."""

    _label = None

    def _isReselection(self) -> bool:
        """Whether, of all that picks depend on, only their selection differs from the last run."""
        folder, card = self._getExtraPath(), self._card()
        if card is None or not self._pickFolder().picking.exists() or self._hasOtherInputs():
            return False
        before, after = (
            record_from_dict(PickParams, params)
            for params in (picking_job(folder).params, self.getCoreParams())
        )
        results = self._pickFolder()
        has_masks = set(results.names(CANDIDATES)) <= set(results.names(SEGMENTATIONS))
        return have_same_candidates(before, after, card) and (has_masks or not after.masks)

    def _reselect(self) -> None:
        """Select other picks among the candidates; the outputs are then made anew of them."""
        folder, params = Path(self._getExtraPath(REPICKED)), self.getCoreParams()
        cleanPath(str(folder))
        names = (*WISHES, *LIMITS, "masks")
        job = Job(
            "repick",
            {name: params[name] for name in names if name in params},
            (self._getExtraPath(),),
            str(folder),
        )
        self._runCore(job, PickFolder(folder).job, threads=self.binThreads.get())
        self._collect(folder)
        cleanPath(str(folder), self._getAllDone(), self._finishedMarker())
        self._forgetOutputs()

    def _continueWarnings(self) -> List[str]:
        """What Continue would replace or delete."""
        warnings = super()._continueWarnings()
        if not warnings or not self._isReselection():
            return warnings
        return [
            f"Only the selection of picks has changed since: *Continue* makes "
            f"{', '.join(self._results())} of this run anew from the candidates, without picking "
            "again. To keep them, start a *re-picking* instead."
        ]

    def _referredErrors(self) -> List[str]:
        """Outputs stay as they are where other runs refer to them."""
        project = self.getProject()
        if project is None or not super()._continueWarnings():
            return []
        project.getRunsGraph(refresh=True)  # other runs may have come since it was drawn
        others = project._getProtocolsDependencies([self])
        if not others:
            return []
        return [
            f"Parameters or inputs have changed, and *Continue* would replace outputs that others "
            f"refer to:{others}\nStart a *re-picking* for other picks of the same candidates, or "
            "copy the run and change the copy."
        ]
