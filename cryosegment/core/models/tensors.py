# SPDX-License-Identifier: GPL-3.0-or-later
"""Named tensors on disk, as safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from cryosegment.exchange.files import atomic_path


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write tensors and a few texts, whole or not at all; the umask sets the permissions.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    apart = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(apart, metadata))
