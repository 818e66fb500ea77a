# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from cryosegment.core.networks import Heads, build_network

HEADS = Heads(("one", "center"))


@pytest.mark.parametrize("shape", [(2, 5, 7), (3, 2, 5, 7)])
def test_channels_by_name(shape: tuple[int, ...]) -> None:
    logits = torch.randn(shape)
    found = HEADS.split(logits)
    assert list(found) == ["one", "center"]
    assert torch.equal(found["center"], logits[..., 1, :, :])
    with pytest.raises(ValueError, match="longer"):
        HEADS.split(torch.cat((logits, logits), -3))


@pytest.mark.parametrize("name", ["attention-unet", "unet"])
def test_a_network_starts_where_its_heads_say(name: str) -> None:
    """A head of centres from rare ones, wherever it is; all others from a half."""
    bias = build_network(name, HEADS).head.bias.detach()
    assert len(bias) == 2
    assert float(bias[1].sigmoid()) == pytest.approx(0.01)
    assert abs(float(bias[0].sigmoid()) - 0.5) < 0.2
