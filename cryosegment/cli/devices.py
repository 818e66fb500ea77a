# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices that `--gpu` names."""

from __future__ import annotations

import re

from cryosegment.exchange.errors import InputError, ParameterError

AUTO, CPU = "auto", "cpu"


def choose_devices(gpu: str) -> tuple[str, ...]:
    """Names of torch devices for `auto`, `cpu` or GPU numbers such as `0,1`.

    Raises
    ------
    ParameterError
        If the text is none of these.
    InputError
        If a GPU is asked for that is not there.
    """
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    text = gpu.strip().lower()
    if text == CPU:
        return (CPU,)
    if text in ("", AUTO):
        return ("cuda:0",) if count else (CPU,)
    numbers = re.split(r"[,\s]+", text)
    if not all(number.isdigit() for number in numbers):
        raise ParameterError(f"expected gpu to be auto, cpu or numbers such as 0,1, got {gpu!r}")
    for number in numbers:
        if int(number) >= count:
            raise InputError(
                f"GPU {number} was asked for, but torch finds {count or 'no'} GPUs here: give "
                "--gpu cpu, or install a torch build for your GPU"
            )
    return tuple(f"cuda:{number}" for number in numbers)
