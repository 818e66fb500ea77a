# SPDX-License-Identifier: GPL-3.0-or-later
import torch

from cryosegment.core.models.acceleration import fold_normalizations
from cryosegment.core.networks import Heads, build_network

ARGUMENTS = {"widths": [8, 16], "deep_blocks": 1}


def test_one_answer_for_each_box() -> None:
    torch.manual_seed(0)
    network = build_network("box-classifier", Heads(("a", "b")), **ARGUMENTS).eval()
    boxes = torch.randn(5, 1, 32, 32)
    logits = network(boxes)
    assert logits.shape == (5, 2)
    assert torch.allclose(network(boxes[2:3])[0], logits[2], atol=1e-5)
    assert torch.allclose(fold_normalizations(network)(boxes), logits, atol=1e-4)


def test_its_blocks_are_those_of_the_compact_network() -> None:
    compact = build_network("compact", **ARGUMENTS).state_dict()
    boxes = build_network("box-classifier", Heads(("a", "b")), **ARGUMENTS).state_dict()
    shared = {name for name in boxes if not name.startswith("head.")}
    assert all(compact[name].shape == boxes[name].shape for name in shared)
