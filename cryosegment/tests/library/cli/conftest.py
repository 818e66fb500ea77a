# SPDX-License-Identifier: GPL-3.0-or-later
"""A model small enough to be trained in a test."""

from pathlib import Path

import pytest
import torch

from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.exchange.card import ModelCard, TrainedNetwork
from cryosegment.exchange.params import InputParams


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    """A model of two narrow levels, which knows nothing."""
    path = tmp_path / "tiny.safetensors"
    arguments = {"widths": [8, 16], "deep_blocks": 0, "normalization": "batch"}
    card = ModelCard("tiny", TrainedNetwork("compact", arguments, HEADS), InputParams(20.0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_checkpoint(path, build_network("compact", **arguments), card)
    return path
