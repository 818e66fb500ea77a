# SPDX-License-Identifier: GPL-3.0-or-later
"""Training in several processes, each on a GPU of its own, on one machine or on several."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from torch import cuda, device, distributed

from cryosegment.cli.devices import CPU, own_device
from cryosegment.core.training.fit.ranks import Ranks
from cryosegment.exchange.errors import CryoSegmentError, InputError, ModelError, ParameterError

PATIENCE = timedelta(hours=6)
"""How long processes wait for each other: the first validates while the others wait."""
ERRORS = {error.__name__: error for error in (InputError, ModelError, ParameterError)}


def is_launched() -> bool:
    """Whether torchrun, or `launch`, has started this process."""
    return distributed.is_available() and distributed.is_torchelastic_launched()


@contextmanager
def joined(gpu: str) -> Iterator[tuple[str, Ranks]]:
    """The torch device of this process, and its place among those that were started with it.

    They leave together, when the first is done. After an error the group stays until the process
    ends, so that the others do not report its end before the error is known.

    Parameters
    ----------
    gpu
        As the option: `auto`, `cpu`, or the GPUs of this machine.
    """
    own = own_device(gpu, int(os.environ["LOCAL_RANK"]))
    if own == CPU:
        distributed.init_process_group("gloo", timeout=PATIENCE)
    else:
        cuda.set_device(own)
        distributed.init_process_group("nccl", timeout=PATIENCE, device_id=device(own))
    ranks = Ranks(distributed.get_rank(), distributed.get_world_size())
    if not ranks.is_first:
        logging.disable(logging.WARNING)
    yield own, ranks
    ranks.wait_for_first()
    distributed.destroy_process_group()


def launch(count: int, function: Callable[..., None], *arguments: Any) -> None:
    """Run a function of a module in some processes of this machine, as torchrun does.

    Raises
    ------
    CryoSegmentError
        What the first process that failed has raised.
    KeyboardInterrupt
        If the processes were interrupted.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes share the cores, as in torchrun
    logging.disable(logging.CRITICAL)  # its reports are raised below
    try:
        elastic_launch(config, function)(*arguments)
    except SignalException:
        raise KeyboardInterrupt from None
    except ChildFailedError as error:
        said = error.get_first_failure()[1].message
        raise _failure(said if isinstance(said, str) else said["message"]) from None
    finally:
        logging.disable(logging.NOTSET)


def _failure(message: str) -> Exception:
    """The error that a process has raised, from its last words."""
    kind, _, text = message.strip().partition(": ")
    if kind in ERRORS:
        return ERRORS[kind](text)
    return CryoSegmentError(f"one of the processes has failed: {message.strip()}")
