# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from cryosegment.core.crf import crf_features, refine_logits
from cryosegment.core.models.checkpoint import load_network
from cryosegment.core.networks import HEADS
from cryosegment.core.training.data.targets import make_targets
from cryosegment.core.training.fit.objective import total
from cryosegment.core.training.joint import RefinedNetwork
from cryosegment.core.training.losses.picking import PickingLoss
from cryosegment.core.training.train import train
from cryosegment.exchange.card import read_card
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import CRF_PRESETS, CrfParams, TrainParams
from cryosegment.exchange.progress import no_progress

SUM = CrfParams(appearance=("logits:0.7:6:1.5", "intensity:0.4:5:0.6"))


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_starts_as_the_network_with_its_crf(tiny_network: nn.Module) -> None:
    joint, image = RefinedNetwork(tiny_network, SUM).eval(), noise(2, 1, 40, 36)
    with torch.inference_mode():
        found, plain = joint(image), tiny_network(image)
        for index in range(2):
            features = crf_features(SUM, plain[index, 0], image[index, 0])
            expected = refine_logits(plain[index, 0], features, SUM)
            torch.testing.assert_close(found[index, 0], expected, atol=1e-4, rtol=1e-4)
    assert HEADS[0] == "particle"
    assert torch.equal(found[:, 1:], plain[:, 1:])


def test_the_optimiser_holds_and_moves_network_and_kernels(tiny_network: nn.Module) -> None:
    joint = RefinedNetwork(tiny_network, SUM)
    rows, columns = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    disc = (rows - 22) ** 2 + (columns - 25) ** 2 < 10**2
    image = (noise(1, 1, 48, 48) - 2 * disc).float()
    centers = torch.tensor([[22.0, 25.0]])
    targets = make_targets(
        disc.int()[None],
        torch.zeros(1, 48, 48),
        torch.ones(1, 48, 48),
        centers[None],
        torch.tensor([20.0]),
    )
    optimizer = torch.optim.AdamW(joint.parameters(), lr=5e-3)
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    before = {name: p.detach().clone() for name, p in joint.named_parameters()}
    assert {id(p) for p in joint.layer.parameters()} < held
    losses = []
    for _ in range(15):
        loss = total(PickingLoss()(joint(image), targets))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    for name, parameter in joint.named_parameters():
        assert not torch.equal(parameter, before[name]), name
    learned = joint.learned()
    assert learned.gaussian_weight != SUM.gaussian_weight
    assert all(a != b for a, b in zip(learned.appearance, SUM.appearance, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gaussian", "logits"])
def test_training_through_a_crf_writes_its_kernels_in_the_card(
    make_labels: Callable[..., Path], tiny_model: Path, tmp_path: Path, name: str
) -> None:
    output = tmp_path / "joint.safetensors"
    params = TrainParams(start=str(tiny_model), epochs=3, batch=6, patch=48, learning_rate=1e-2)
    train([make_labels()], output, replace(params, crf=name), "cpu", no_progress)
    card = read_card(output)
    learned = card.use.crf
    assert learned is not None
    start = CRF_PRESETS[name]
    assert learned.solver == start.solver
    assert learned.features() == start.features()
    assert learned.gaussian_weight != pytest.approx(start.gaussian_weight, rel=1e-4)
    assert learned.gaussian_sigma != pytest.approx(start.gaussian_sigma, rel=1e-4)
    network, _ = load_network(output)  # the network alone, as any other
    assert not torch.equal(network.head.weight, load_network(tiny_model)[0].head.weight)


def test_a_solver_without_a_gradient(tiny_network: nn.Module) -> None:
    with pytest.raises(ParameterError, match="to train through"):
        RefinedNetwork(tiny_network, CrfParams(solver="icm"))
