# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of GPUs in a form."""

from __future__ import annotations

from typing import Dict, List

from pwem.protocols import EMProtocol
from pyworkflow.protocol import params
from pyworkflow.protocol.constants import VOID_GPU

from cryosegment.plugin import Plugin


class GpuChoice(EMProtocol):
    """Hidden form fields of the GPUs, and the check of their numbers."""

    _label = None

    def _defineGpuParams(self, form: params.Form, cpu: str, gpus: str) -> None:
        form.addHidden(
            params.USE_GPU,
            params.BooleanParam,
            default=Plugin.hasGpu(),
            label="Use GPU?",
            help=f"*No*: the CPU, {cpu}.",
        )
        form.addHidden(
            params.GPU_LIST,
            params.StringParam,
            default="0",
            label="Choose GPU IDs",
            help=gpus,
        )

    def _cpuParams(self) -> Dict[str, str]:
        """What the parameters of a job say where no GPU is to be used."""
        return {} if self.useGpu else {"gpu": "cpu"}

    def _gpuErrors(self) -> List[str]:
        """Without a GPU to wait for, Scipion would wait for ever."""
        if not self.useGpu:
            return []
        try:
            numbers = self.getGpuList()
        except ValueError:
            numbers = []
        if set(numbers) - {VOID_GPU}:
            return []
        return ["Expected the numbers of GPUs, such as 0 1; or choose *GPU IDs: No*."]
