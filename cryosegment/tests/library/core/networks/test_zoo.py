# SPDX-License-Identifier: GPL-3.0-or-later
"""Every network of the zoo does what a network must: learn, be saved, take any image."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from cryosegment.core.checkpoint import load_network, save_checkpoint
from cryosegment.core.feature_maps import predict_features
from cryosegment.core.inference import predict_logits
from cryosegment.core.networks import HEADS, build_network, network_names
from cryosegment.core.training.losses import picking_loss, total
from cryosegment.core.training.targets import make_targets
from cryosegment.exchange.card import ModelCard

SMALL = {
    "compact": {"widths": [8, 16], "deep_blocks": 0},
    "unet": {"encoder": "resnet18", "widths": [32, 32, 16, 16, 8]},
    "unet++": {"encoder": "efficientnet-b0", "widths": [16, 16, 16, 16, 8]},
    "fcn": {"encoder": "resnet18"},
    "deeplabv3": {"encoder": "efficientnet-b0", "rates": [2, 4, 6], "width": 32},
    "attention-unet": {"widths": [8, 16, 32]},
    "multi-atrous": {"branches": 2, "widths": [8, 16, 16, 16], "branch_width": 16},
}
"""Arguments that make the networks small."""
NAMES = tuple(SMALL)
SIDE, DIAMETER = 64, 24.0


def small(name: str) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return build_network(name, **SMALL[name])


def test_none_is_left_out() -> None:
    assert network_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_patch_is_learnt_by_heart(name: str) -> None:
    centers = torch.tensor([[20.0, 17.0], [43.0, 46.0]])
    pixels = torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij"), -1)
    distance, nearest = ((pixels[:, :, None] - centers) ** 2).sum(-1).min(-1)
    instances = torch.where(distance <= (DIAMETER / 2) ** 2, nearest + 1, 0).int()
    plane = torch.zeros(SIDE, SIDE)
    targets = make_targets(instances, plane, plane + 1, centers, DIAMETER)
    noise = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    image = (noise - 1.0 * (instances > 0))[None, None]
    network = small(name)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        total(picking_loss(network(image), targets)).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    with torch.inference_mode():
        mask = network.eval()(image)[0, HEADS.index("particle")] > 0
    true = instances > 0
    assert (mask & true).sum() / (mask | true).sum() > 0.8
