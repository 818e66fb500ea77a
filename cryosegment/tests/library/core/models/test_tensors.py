# SPDX-License-Identifier: GPL-3.0-or-later
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from cryosegment.core.models.tensors import write_tensors
from cryosegment.exchange.errors import InputError


def test_tensors_and_texts_come_back(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(6.0).reshape(2, 3).T, "b": torch.ones(2, dtype=torch.float16)}
    write_tensors(tmp_path / "new" / "file.safetensors", tensors, {"note": "Å"})
    with safe_open(tmp_path / "new" / "file.safetensors", framework="pt") as file:
        assert file.metadata() == {"note": "Å"}
        for name, expected in tensors.items():
            assert torch.equal(file.get_tensor(name), expected)


def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        write_tensors(tmp_path / "file.safetensors", {"a": torch.ones(1)})
    finally:
        os.umask(old)
    assert (tmp_path / "file.safetensors").stat().st_mode & 0o777 == 0o644


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(InputError, match="cannot write"):
        write_tensors(path, {"a": torch.ones(1)})
    assert [item.name for item in tmp_path.iterdir()] == ["folder"]
