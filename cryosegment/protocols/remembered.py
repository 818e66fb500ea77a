# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run was made with, so that Continue notices other parameters and says what it deletes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

from pwem.protocols import EMProtocol
from pyworkflow.object import Pointer, Set

from cryosegment.exchange.files import read_text, write_text
from cryosegment.exchange.wording import counted


def identity(pointer: Pointer) -> List[Any]:
    """What a pointer names: among the arguments of a step, Continue notices another choice."""
    chosen = pointer.get()
    if chosen is None:
        return []
    size = chosen.getSize() if isinstance(chosen, Set) else 1
    return [pointer.getUniqueId(), chosen.getObjId(), size]


class Remembered(EMProtocol):
    """A protocol that keeps its parameters beside its results."""

    _label = None

    def _signature(self) -> str:
        """All that the results depend on."""
        raise NotImplementedError

    def _signatureFile(self) -> Path:
        return Path(self._getExtraPath("parameters.json"))

    def _remember(self) -> None:
        write_text(self._signatureFile(), self._signature())

    def _hasOtherParams(self) -> bool:
        """Whether earlier results were made with other parameters, or of other inputs."""
        path = self._signatureFile()
        return path.exists() and read_text(path) != self._signature()

    def _isRegistered(self, name: str) -> bool:
        """Whether an output was registered by hand beside another: Continue leaves it."""
        return name[-1].isdigit() and self.hasAttribute(name.rstrip("0123456789"))

    def _results(self) -> List[str]:
        """The results so far, in words, that Continue would replace."""
        found = []
        for name, output in self.iterOutputAttributes():
            if self._isRegistered(name):
                continue
            size = counted(output.getSize(), "item") if isinstance(output, Set) else ""
            found.append(f"*{name}*" + (f" ({size})" if size else ""))
        return found

    def _warnings(self) -> List[str]:
        return self._continueWarnings()

    def _continueWarnings(self) -> List[str]:
        """What Continue would delete."""
        if not (self.isContinued() and self._hasOtherParams() and self._results()):
            return []
        return [
            "Parameters or inputs have changed since: *Continue* deletes "
            f"{', '.join(self._results())} of this run, with their files, and begins anew. To keep "
            "them, copy the run and change the copy."
        ]
