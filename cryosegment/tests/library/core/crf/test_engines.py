# SPDX-License-Identifier: GPL-3.0-or-later
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter as scipy_gaussian

from cryosegment.core.crf import refine_labels, refine_logits
from cryosegment.core.crf.engines import KernelSpec, kernel_specs, pairwise_terms
from cryosegment.core.crf.exact import dense_kernel
from cryosegment.core.crf.windows import window_kernel
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.params import ENGINES, CrfParams
from cryosegment.tests.machine import NO_DENSECRF, has_densecrf

SIZE = 48
SHORT = CrfParams(gaussian_weight=1.5, gaussian_sigma=1.5, appearance=("intensity:2:2.5:0.7",))
NEEDS_DENSECRF = pytest.mark.skipif(not has_densecrf(), reason=NO_DENSECRF)
AGREEMENT = {"grid": 0.995, "windows": 0.995, "pydensecrf": 0.985}  # its lattice is coarser
APPROXIMATE = ["grid", "windows", pytest.param("pydensecrf", marks=NEEDS_DENSECRF)]


def scene() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    random = np.random.default_rng(5)
    noise = random.normal(size=(2, SIZE, SIZE))
    logits = 6 * scipy_gaussian(noise[0], 1.5)
    feature = 4 * scipy_gaussian(noise[1], 2.0)
    return torch.from_numpy(logits).float(), {"intensity": torch.from_numpy(feature[None]).float()}


def shaded() -> torch.Tensor:
    valid = torch.ones(SIZE, SIZE, dtype=torch.bool)
    valid[:, :9] = False
    return valid


@pytest.mark.slow
@pytest.mark.parametrize("engine", APPROXIMATE)
@pytest.mark.parametrize("valid", [None, shaded()])
def test_engines_agree(engine: str, valid: torch.Tensor | None) -> None:
    """Probabilities within 0.012 in the mean."""
    assert {*AGREEMENT, "exact"} == set(ENGINES)
    logits, features = scene()
    features["intensity"][0, 30:34, 30:34] = torch.nan
    exact = refine_logits(logits, features, replace(SHORT, engine="exact"), valid)
    found = refine_logits(logits, features, replace(SHORT, engine=engine), valid)
    assert ((found > 0) == (exact > 0)).float().mean() >= AGREEMENT[engine]
    assert (found.sigmoid() - exact.sigmoid()).abs().mean() < 0.012
    assert ((logits > 0) == (exact > 0)).float().mean() < 0.97  # there was something to do


@pytest.mark.parametrize("engine", APPROXIMATE)
def test_engines_agree_on_three_labels(engine: str) -> None:
    logits, features = scene()
    three = torch.stack([torch.zeros_like(logits), logits, -logits.flip(0)])
    exact = refine_labels(three, features, replace(SHORT, engine="exact"), shaded())
    found = refine_labels(three, features, replace(SHORT, engine=engine), shaded())
    assert (found.argmax(0) == exact.argmax(0)).float().mean() >= 0.985


def test_windows_agree_with_the_dense_kernel() -> None:
    feature = torch.randn(13, 17, dtype=torch.float64)
    field = torch.randn(13, 17, dtype=torch.float64)
    window, dense = window_kernel(feature, 2.0, 0.9), dense_kernel(feature, 2.0, 0.9)
    torch.testing.assert_close(window(field), dense(field), atol=0.03, rtol=0)  # exp(-4.5) = 0.01
    assert len(window.steps) == (13**2 - 1) / 2


def test_windows_are_exact_within_and_nothing_beyond() -> None:
    field = torch.zeros(21, 40, dtype=torch.float64)
    field[10, 20] = 1
    spread = window_kernel(torch.zeros_like(field), 30.0, 1.0)(field)
    assert len(spread.nonzero()) == 17**2
    assert float(spread[2, 12]) == pytest.approx(np.exp(-128 / 1800))
    assert float(spread[10, 29]) == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (5, 1), (3, 2)])
def test_windows_of_tiny_images(shape: tuple[int, int]) -> None:
    feature, field = torch.randn(shape).double(), torch.randn(shape).double()
    found = window_kernel(feature, 2.6, 1.0)(field)
    torch.testing.assert_close(found, dense_kernel(feature, 2.6, 1.0)(field))


def test_windows_are_differentiable() -> None:
    values = [torch.randn(4, 5, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    widths = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (1.1, 0.8)]
    assert torch.autograd.gradcheck(
        lambda f, v, s, t: window_kernel(f, s, t)(v), (*values, *widths)
    )


def test_specs() -> None:
    features = {"network": torch.randn(3, 4, 5), "logits": torch.randn(1, 4, 5)}
    params = CrfParams(
        gaussian_weight=0.0, appearance=("network:1.5:9:0.5", "logits:2:8:1", "intensity:0:1:1")
    )
    specs = kernel_specs(params, features)
    assert [spec.weight for spec in specs] == [0.5, 0.5, 0.5, 2.0]
    assert torch.equal(specs[2].plane, features["network"][2])
    assert (specs[3].sigma, specs[3].feature_sigma) == (8.0, 1.0)


def test_a_feature_without_a_value_is_left_out() -> None:
    empty = KernelSpec(1.0, 2.0, torch.full((4, 4), torch.nan), 1.0)
    assert pairwise_terms([empty], "grid", torch.ones(4, 4)) == []


def test_an_image_too_large_for_the_exact_engine() -> None:
    with pytest.raises(InputError, match=r"at most 10000 px .* got 10201: use the engine grid"):
        refine_logits(torch.zeros(101, 101), {}, CrfParams(engine="exact"))


def test_pydensecrf_with_another_compatibility() -> None:
    with pytest.raises(ParameterError, match="expected Potts"):
        refine_labels(
            torch.zeros(3, 4, 4), {}, CrfParams(engine="pydensecrf"), None, torch.zeros(3, 3)
        )


def test_pydensecrf_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydensecrf", None)
    monkeypatch.delitem(sys.modules, "pydensecrf.densecrf", raising=False)
    with pytest.raises(ParameterError, match=r"install scipion-em-cryosegment\[pydensecrf\]"):
        refine_logits(torch.zeros(4, 4), {}, CrfParams(engine="pydensecrf"))
