# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from cryosegment.core.crf import refine_labels, refine_logits
from cryosegment.core.crf.layer import CrfLayer, LabelCrfLayer
from cryosegment.core.filters import gaussian_filter
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import CrfParams

BOTH = CrfParams(
    gaussian_weight=1.3, gaussian_sigma=1.5, appearance=("logits:0.8:2.5:1.5",), temperature=1.2
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def batch(size: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    logits = torch.stack([5 * gaussian_filter(noise(size, size, seed=s), 1.5) for s in (0, 1)])
    return logits, {"logits": logits[:, None]}


@pytest.mark.parametrize("solver", ["mean-field", "entropic", "l2"])
@pytest.mark.parametrize("engine", ["grid", "exact", "windows"])
def test_layer_starts_as_its_parameters(solver: str, engine: str) -> None:
    params = replace(BOTH, solver=solver, engine=engine, regularization=0.8)
    logits, features = batch(20)
    found = CrfLayer(params)(logits, features)
    for index in range(2):
        one = {"logits": logits[index][None]}
        expected = refine_logits(logits[index], one, params)
        torch.testing.assert_close(found[index], expected, atol=1e-5, rtol=1e-5)
    assert CrfLayer(params).kernels.learned() == params


@pytest.mark.slow
def test_gradients_of_everything() -> None:
    layer = CrfLayer(replace(BOTH, engine="exact")).double()
    logits, features = batch(5)
    feature = features["logits"].detach().clone()
    kernels = layer.kernels

    def run(*values: torch.Tensor) -> torch.Tensor:
        named = {"gaussian": values[2], "appearance": values[3]}
        plane = {"features": {"logits": values[1]}}
        names = {f"kernels.{name}": value for name, value in named.items()}
        return torch.func.functional_call(layer, names, (values[0],), plane)

    inputs = (logits, feature, kernels.gaussian.detach(), kernels.appearance.detach())
    assert torch.autograd.gradcheck(run, [value.clone().requires_grad_() for value in inputs])


@pytest.mark.slow
def test_gradients_of_logits_and_weights_through_the_grid() -> None:
    layer = CrfLayer(replace(BOTH, iterations=2)).double()
    logits, features = batch(6)

    def run(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        rows = torch.cat([weight[None], layer.kernels.gaussian[0, 1:].detach()])[None]
        return torch.func.functional_call(
            layer, {"kernels.gaussian": rows}, (values, {"logits": features["logits"].detach()})
        )

    start = layer.kernels.gaussian[0, 0].detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(run, [logits.clone().requires_grad_(), start])


@pytest.mark.slow
def test_gradients_of_the_reaches_through_the_grid_are_those_of_the_exact_kernel() -> None:
    gradients = []
    logits, features = batch(40)
    target = torch.sigmoid(4 * gaussian_filter(noise(40, 40, seed=5), 2.0))
    for engine in ("grid", "exact"):
        params = replace(BOTH, engine=engine, appearance=("logits:0.8:6:1.5",))
        layer = CrfLayer(params).double()
        loss = binary_cross_entropy_with_logits(layer(logits, features)[0], target)
        loss.backward()
        gradients.append(torch.cat([p.grad.reshape(-1) for p in layer.parameters()]))
    grid, exact = gradients
    assert torch.nn.functional.cosine_similarity(grid, exact, 0) > 0.99
    assert float((grid - exact).norm() / exact.norm()) < 0.1


def test_a_step_of_the_optimiser_moves_every_parameter() -> None:
    layer = CrfLayer(BOTH)
    logits, features = batch(24)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    before = [p.detach().clone() for p in layer.parameters()]
    assert sum(p.numel() for p in before) == 5
    single = {name: value.float() for name, value in features.items()}
    layer(logits.float(), single).square().mean().backward()
    optimizer.step()
    for old, new in zip(before, layer.parameters(), strict=True):
        assert bool((old != new).all())
    learned = layer.kernels.learned()
    weight, sigma = layer.kernels.gaussian.detach()[0].exp().tolist()
    assert learned.gaussian_weight == pytest.approx(weight, rel=1e-5) != BOTH.gaussian_weight
    assert learned.gaussian_sigma == pytest.approx(sigma, rel=1e-5) != BOTH.gaussian_sigma
    assert learned.temperature == BOTH.temperature


def test_kernels_of_weight_zero_stay_out() -> None:
    params = CrfParams(gaussian_weight=0.0, appearance=("logits:1:5:1", "intensity:0:5:1"))
    layer = CrfLayer(params)
    assert [tuple(p.shape) for p in layer.parameters()] == [(0, 2), (1, 3)]
    assert layer.kernels.learned() == replace(params, appearance=("logits:1:5:1",))


@pytest.mark.parametrize(
    "params",
    [CrfParams(solver="icm"), CrfParams(solver="frank-wolfe"), CrfParams(engine="pydensecrf")],
)
def test_what_has_no_gradient(params: CrfParams) -> None:
    with pytest.raises(ParameterError, match="to train through, got"):
        CrfLayer(params)


@pytest.mark.slow
def test_labels_layer_starts_as_potts_and_learns_what_pairs_cost() -> None:
    params = replace(BOTH, engine="exact", appearance=())
    layer = LabelCrfLayer(params, 3).double()
    logits = noise(2, 3, 6, 6)
    expected = refine_labels(logits[1], {}, params)
    torch.testing.assert_close(layer(logits, {})[1], expected, atol=1e-6, rtol=1e-6)

    def run(values: torch.Tensor, costs: torch.Tensor, gaussian: torch.Tensor) -> torch.Tensor:
        named = {"costs": costs, "kernels.gaussian": gaussian}
        return torch.func.functional_call(layer, named, (values, {}))

    inputs = [logits, layer.costs.detach(), layer.kernels.gaussian.detach()]
    assert torch.autograd.gradcheck(run, [value.clone().requires_grad_() for value in inputs])
    target = logits.flip(1).argmax(1)
    nn.functional.cross_entropy(layer(logits, {}), target).backward()
    torch.optim.SGD(layer.parameters(), lr=1.0).step()
    learned = layer.compatibility.detach()
    torch.testing.assert_close(learned, learned.T)
    assert (
        float((learned - LabelCrfLayer(params, 3).double().compatibility.detach()).abs().max())
        > 1e-3
    )


def test_training_finds_useful_kernels() -> None:
    """Noisy logits of smooth shapes: the loss falls, and smoothing becomes stronger."""
    truth = (gaussian_filter(noise(48, 48, seed=3), 4.0) > 0).double()
    logits = (2 * truth - 1 + 2 * noise(48, 48, seed=4))[None]
    layer = CrfLayer(CrfParams(gaussian_weight=0.3, gaussian_sigma=0.8)).double()
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    losses = []
    for _ in range(40):
        loss = binary_cross_entropy_with_logits(layer(logits, {})[0], truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.75 * losses[0]
    learned = layer.kernels.learned()
    assert learned.gaussian_weight > 1.0
    assert learned.gaussian_sigma > 1.2
