# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices that `--gpu` names, and the CPU threads of `--threads`."""

from __future__ import annotations

import re

from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.params import AUTO
from cryosegment.exchange.params.fields import auto_or_given

CPU = "cpu"


def choose_devices(gpu: str, every: bool = False) -> tuple[str, ...]:
    """Names of torch devices for `auto`, `cpu` or GPU numbers such as `0,1`.

    Parameters
    ----------
    gpu
        As the option has it.
    every
        Whether `auto` means every GPU, and not the first alone.

    Raises
    ------
    ParameterError
        If the text is none of these.
    InputError
        If a GPU is asked for that is not there.
    """
    import torch

    from cryosegment.core.models.model import best_device

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    text = auto_or_given(gpu)
    if text == CPU:
        return (CPU,)
    if text == AUTO:
        return tuple(f"cuda:{i}" for i in range(count)) if every and count else (best_device(),)
    numbers = _words(text)
    if not all(number.isdigit() for number in numbers):
        raise ParameterError(f"expected gpu to be auto, cpu or numbers such as 0,1, got {gpu!r}")
    for number in numbers:
        if int(number) >= count:
            raise InputError(
                f"GPU {number} was asked for, but torch finds {count or 'no'} GPUs here: give "
                "--gpu cpu, or install a torch build for your GPU"
            )
    return tuple(f"cuda:{number}" for number in numbers)


def choose_device(gpu: str) -> str:
    """Name of the torch device of a command that uses one device.

    Raises
    ------
    ParameterError, InputError
        As `choose_devices`, and if several GPUs are named.
    """
    if len(_words(gpu)) > 1:
        raise ParameterError(f"expected one GPU for this command, got {gpu}: give one number")
    return choose_devices(gpu)[0]


def use_threads(count: int) -> None:
    """Let torch and OpenCV use `count` CPU threads; 0 leaves it to them."""
    if count:
        import cv2
        import torch

        torch.set_num_threads(count)
        cv2.setNumThreads(count)


def _words(gpu: str) -> list[str]:
    return re.split(r"[,\s]+", gpu.strip())


def own_device(gpu: str, process: int) -> str:
    """Name of the torch device of one of several processes on this machine.

    Parameters
    ----------
    gpu
        As for `choose_devices`; `auto` means every GPU.
    process
        Number of the process on this machine, from 0.

    Raises
    ------
    ParameterError, InputError
        As `choose_devices`, and if there are more processes than GPUs.
    """
    devices = choose_devices(gpu, every=True)
    if devices == (CPU,):
        return CPU
    if process >= len(devices):
        raise InputError(
            f"expected a GPU for each process of this machine, found {len(devices)} for process "
            f"{process + 1}: start {len(devices)} processes on it, or give --gpu cpu"
        )
    return devices[process]
