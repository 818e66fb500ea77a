# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of one training: their parts of a batch, and their communication.

Every process draws and predicts its part of the batch, but the loss is that of the whole batch, so
it is the same as with a single process (most losses are not a mean over patches). The gradients of
the parts add up.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from cryosegment.exchange.errors import ParameterError


@dataclass(frozen=True)
class Ranks:
    """One of the processes of a training; by default the only one.

    Parameters
    ----------
    rank
        Number of this process, from 0.
    count
        Number of processes.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process validates, writes and reports."""
        return self.rank == 0

    def part(self, batch: int) -> range:
        """Which patches of a batch are those of this process.

        Raises
        ------
        ParameterError
            If the processes cannot share the batch evenly.
        """
        share, rest = divmod(batch, self.count)
        if rest:
            raise ParameterError(
                f"expected a batch that {self.count} processes can share evenly, got {batch}: give "
                f"a multiple of {self.count}"
            )
        return range(self.rank * share, (self.rank + 1) * share)

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network to train with: its gradients are the mean over all processes.

        On GPUs batch normalisation takes the statistics of the whole batch; on CPUs, for which
        torch has no such layer, those of the part in each process.
        """
        if self.count == 1:
            return network
        if next(network.parameters()).is_cuda:
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return nn.parallel.DistributedDataParallel(network)

    def gather(self, part: Tensor) -> Tensor:
        """The parts of all processes as one batch; the gradient flows into the own part alone."""
        if self.count == 1:
            return part
        parts = [torch.empty_like(part).contiguous() for _ in range(self.count)]
        distributed.all_gather(parts, part.detach().contiguous())
        parts[self.rank] = part
        return torch.cat(parts)

    def from_first(self, *values: float) -> list[float]:
        """The values that the first process gives, in every process."""
        if self.count == 1:
            return list(values)
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        shared = torch.tensor(values, dtype=torch.float64, device=device)
        distributed.broadcast(shared, src=0)
        return shared.tolist()

    def wait_for_first(self) -> None:
        """Wait until the first process is here."""
        self.from_first(0.0)


ALONE = Ranks()
"""A process that trains by itself."""
