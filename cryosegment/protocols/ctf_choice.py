# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of CTFs in a form, for models whose front end corrects the CTF."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterable, List

from pyworkflow.protocol import params

from cryosegment.convert import ctf_estimates
from cryosegment.exchange.ctf import write_ctfs
from cryosegment.exchange.params import WITH_CTF
from cryosegment.protocols.model_choice import ModelChoice
from cryosegment.protocols.remembered import identity

CTF_NAME = "ctfs.star"


class CtfChoice(ModelChoice):
    """Form field of the CTFs, and the job parameter that is made of it."""

    _label = None

    def _defineCtfParam(self, form: params.Form, condition: str) -> None:
        form.addParam(
            "inputCTF",
            params.PointerParam,
            pointerClass="SetOfCTF",
            allowsNull=True,
            expertLevel=params.LEVEL_ADVANCED,
            condition=condition,
            label="CTFs",
            help="For models whose front end corrects the CTF: that of every micrograph, from an "
            "estimation that is done.",
        )

    def _frontEnd(self) -> str:
        """Name of the chosen model's front end; empty without a model."""
        card = self._card()
        return card.input.front_end.name if card else ""

    def _needsCtfs(self) -> bool:
        return self._frontEnd() in WITH_CTF

    def _ctfErrors(self) -> List[str]:
        if not self._needsCtfs():
            return []
        ctfs = self.inputCTF.get()
        if ctfs is None:
            return [
                f"The front end {self._frontEnd()} needs the CTF of every micrograph: choose "
                "*CTFs*, a field for experts."
            ]
        return ["The CTFs are still being estimated: wait for all."] if ctfs.isStreamOpen() else []

    def _withoutCtf(self, names: Iterable[str]) -> List[str]:
        """Those of some micrographs whose CTF is needed and not there."""
        needs = self._needsCtfs() and self.inputCTF.get() is not None
        return sorted(set(names) - set(ctf_estimates(self.inputCTF.get()))) if needs else []

    def _ctfIdentity(self) -> List[Any]:
        """What tells the chosen CTFs from others, where they are needed."""
        return identity(self.inputCTF) if self._needsCtfs() else []

    def _ctfParams(self, folder: str) -> Dict[str, str]:
        """Parameters of a job with its files in `folder`."""
        return {"ctf": os.path.join(folder, CTF_NAME)} if self._needsCtfs() else {}

    def _writeCtfs(self, folder: str) -> None:
        """Write the CTFs, where they are needed."""
        for path in self._ctfParams(folder).values():
            write_ctfs(path, ctf_estimates(self.inputCTF.get()))
