# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.models.model import load_model
from cryosegment.core.networks import HEADS, build_network
from cryosegment.exchange.card import ModelCard, TrainedNetwork
from cryosegment.exchange.errors import InputError, ModelError
from cryosegment.exchange.params import InputParams


def test_load_model(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    arguments = {"widths": [8, 16], "deep_blocks": 0, "normalization": "batch"}
    network = build_network("compact", **arguments)
    card = ModelCard("tiny", TrainedNetwork("compact", arguments, HEADS), InputParams(20.0))
    save_checkpoint(path, network, card)
    model = load_model(str(path))
    assert replace(model.card, checksum=()) == card
    assert model.device == torch.device("cpu")
    save_checkpoint(
        path, network, replace(card, network=replace(card.network, heads=("good", "bad")))
    )
    with pytest.raises(ModelError, match="heads particle, center"):
        load_model(str(path))
    with pytest.raises(InputError, match="does not exist"):
        load_model(str(tmp_path / "none.safetensors"))
