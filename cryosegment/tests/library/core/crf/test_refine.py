# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter as scipy_gaussian

from cryosegment.core.crf import crf_features, refine_labels, refine_logits
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import CRF_PRESETS, CrfParams
from cryosegment.exchange.parts import SOLVERS
from cryosegment.tests.machine import NO_DENSECRF, NO_GPU, has_densecrf

PRESETS = sorted(CRF_PRESETS)
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)),
]


def scene(size: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Working image with dark discs of 20 px, and noisy logits for them."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    mask = np.zeros((size, size), dtype=bool)
    for centre_y, centre_x in random.uniform(0, size, (size * size // 1600, 2)):
        mask |= (y - centre_y) ** 2 + (x - centre_x) ** 2 < 10**2
    noise = random.normal(size=(2, size, size))
    logits = scipy_gaussian(np.where(mask, 2.0, -2.0), 1) + 4 * scipy_gaussian(noise[0], 1)
    image = 2 * noise[1] - mask
    image = (image - image.mean()) / image.std()
    return torch.from_numpy(image).float(), torch.from_numpy(logits).float()


def pydensecrf_probability(
    logits: torch.Tensor, features: dict[str, torch.Tensor], params: CrfParams
) -> np.ndarray:
    import pydensecrf.densecrf as densecrf

    height, width = logits.shape
    model = densecrf.DenseCRF2D(width, height, 2)
    values = logits.numpy().reshape(-1)
    unary = np.stack([np.logaddexp(0, values), np.logaddexp(0, -values)])
    model.setUnaryEnergy(np.ascontiguousarray(unary, dtype=np.float32))
    model.addPairwiseGaussian(sxy=params.gaussian_sigma, compat=params.gaussian_weight)
    y, x = np.mgrid[:height, :width]
    for term in params.appearance_terms():
        (plane,) = features[term.feature].numpy()
        points = [x / term.sigma, y / term.sigma, plane / term.feature_sigma]
        points = np.ascontiguousarray(np.stack(points).reshape(3, -1), dtype=np.float32)
        model.addPairwiseEnergy(points, compat=term.weight)
    return np.array(model.inference(params.iterations))[1].reshape(height, width)


def refine(params: CrfParams, image: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    return refine_logits(logits, features_of(params, image, logits), params)


def features_of(
    params: CrfParams, image: torch.Tensor, logits: torch.Tensor
) -> dict[str, torch.Tensor]:
    maps = torch.stack([image, logits, image + logits])
    return crf_features(params, logits, image, maps)


STRONGER = CrfParams(iterations=10, gaussian_sigma=1.5, appearance=("logits:3:24:1",))
SHORT = CrfParams(appearance=("intensity:2:4:0.3",))
SUM = CrfParams(appearance=("intensity:0.6:6:0.4", "logits:0.8:12:1.5"))
ONE_PLANE = [CRF_PRESETS[name] for name in PRESETS if name != "network"]


@pytest.mark.skipif(not has_densecrf(), reason=NO_DENSECRF)
@pytest.mark.parametrize("params", [*ONE_PLANE, STRONGER, SHORT, SUM])
def test_labels_agree_with_pydensecrf(params: CrfParams) -> None:
    image, logits = scene(256)
    expected = pydensecrf_probability(logits, features_of(params, image, logits), params)
    found = refine(params, image, logits).sigmoid().numpy()
    assert ((found > 0.5) == (expected > 0.5)).mean() >= 0.995
    assert np.abs(found - expected).mean() < 0.005
    assert ((logits.numpy() > 0) == (expected > 0.5)).mean() < 0.98  # there was something to do


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", PRESETS)
def test_every_device_and_dtype_gives_the_same(name: str, device: str) -> None:
    image, logits = scene(64)
    params = CRF_PRESETS[name]
    single = refine(params, image.to(device), logits.to(device))
    double = refine(params, image.double(), logits.double())
    assert single.dtype == torch.float32
    assert single.device.type == device
    assert double.dtype == torch.float64
    torch.testing.assert_close(single.cpu().double(), double, atol=1e-3, rtol=0)
    half = refine(params, image.half(), logits.half())
    assert half.dtype == torch.float32
    torch.testing.assert_close(half.double(), double, atol=0.02, rtol=0)


def test_arguments_stay_as_they_are() -> None:
    image, logits = scene(48)
    before = image.clone(), logits.clone()
    for params in (CRF_PRESETS["logits"], replace(CRF_PRESETS["gaussian"], solver="icm")):
        refine(params, image, logits)
    assert torch.equal(image, before[0])
    assert torch.equal(logits, before[1])


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("value", [-30.0, -0.5, 0.0, 0.5, 30.0])
def test_one_label_stays_that_label(name: str, value: float) -> None:
    image, logits = torch.randn(40, 33), torch.full((40, 33), value)
    refined = refine(CRF_PRESETS[name], image, logits)
    assert bool(refined.isfinite().all())
    assert bool((refined.sign() == np.sign(value)).all())


@pytest.mark.parametrize("name", PRESETS)
def test_constant_image(name: str) -> None:
    _, logits = scene(40)
    assert bool(refine(CRF_PRESETS[name], torch.zeros(40, 40), logits).isfinite().all())


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 3e38, -3e38, 1e-40])
def test_extreme_pixels_give_no_nan(name: str, value: float) -> None:
    image, logits = scene(40)
    image[3:9, 5:11] = value
    logits[6:12, 8:14] = value
    assert bool(refine(CRF_PRESETS[name], image, logits).isfinite().all())


@pytest.mark.parametrize("name", PRESETS)
def test_nothing_but_nan_is_no_evidence(name: str) -> None:
    empty = torch.full((20, 20), torch.nan)
    assert torch.equal(refine(CRF_PRESETS[name], empty, empty), torch.zeros(20, 20))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (2, 3)])
@pytest.mark.parametrize("name", PRESETS)
def test_tiny_images(shape: tuple[int, int], name: str) -> None:
    logits = torch.ones(shape)
    assert bool((refine(CRF_PRESETS[name], torch.zeros(shape), logits) > 0).all())


def test_nan_logits_are_filled_in_by_their_neighbours() -> None:
    logits = torch.full((30, 30), 3.0)
    logits[12:15, 12:15] = torch.nan
    refined = refine_logits(logits, {}, CrfParams(gaussian_weight=2.0))
    assert float(refined[13, 13]) > 0.5


def test_invalid_pixels_keep_their_logits_and_do_not_matter() -> None:
    image, logits = scene(64)
    valid = torch.ones(64, 64, dtype=torch.bool)
    valid[:, :24] = False
    params = CRF_PRESETS["logits"]
    refined = refine_logits(logits, {"logits": logits[None]}, params, valid)
    spoiled = torch.where(valid, logits, 50 * image)
    assert torch.equal(refined[~valid], logits[~valid])
    torch.testing.assert_close(
        refine_logits(spoiled, {"logits": spoiled[None]}, params, valid)[valid], refined[valid]
    )
    nowhere = torch.zeros_like(valid)
    assert torch.equal(refine_logits(logits, {"logits": logits[None]}, params, nowhere), logits)


def test_smoothness_removes_a_speck() -> None:
    logits = torch.full((31, 31), -1.0)
    logits[15, 15] = 0.8
    assert float(refine_logits(logits, {}, CrfParams(gaussian_weight=3.0))[15, 15]) < 0


def test_appearance_keeps_what_looks_different() -> None:
    logits = torch.full((31, 31), -1.0)
    logits[12:18, 12:18] = 0.3
    feature = torch.zeros(31, 31)
    feature[12:18, 12:18] = 5.0
    features = {"intensity": feature[None]}
    params = CrfParams(gaussian_weight=0.0, appearance=("intensity:3:8:1",))
    assert float(refine_logits(logits, features, params)[14, 14]) > 0.3
    blind = replace(params, appearance=("intensity:3:8:100",))
    assert float(refine_logits(logits, features, blind)[14, 14]) < 0


def test_more_iterations_go_further() -> None:
    _, logits = scene(40)
    once, often = (
        refine_logits(logits, {}, CrfParams(gaussian_weight=3.0, iterations=n)) for n in (1, 8)
    )
    assert float((often - once).abs().max()) > 0.05


def test_gradients_reach_logits_and_feature() -> None:
    image, logits = scene(24)
    logits.requires_grad_()
    feature = image.clone().requires_grad_()
    params = CRF_PRESETS["intensity"]
    refine_logits(logits, {"intensity": feature[None]}, params).square().sum().backward()
    assert logits.grad is not None
    assert feature.grad is not None
    assert bool(logits.grad.isfinite().all())
    assert float(feature.grad.abs().max()) > 0


def test_a_missing_feature() -> None:
    with pytest.raises(InputError, match="expected the feature logits, got none"):
        refine_logits(torch.zeros(4, 4), {}, CRF_PRESETS["logits"])


def test_temperature_divides_the_unary_and_leaves_the_scale() -> None:
    _, logits = scene(40)
    params = CrfParams(gaussian_weight=3.0, temperature=2.5)
    expected = 2.5 * refine_logits(logits / 2.5, {}, replace(params, temperature=1.0))
    torch.testing.assert_close(refine_logits(logits, {}, params), expected)
    off = replace(params, gaussian_weight=0.0)
    torch.testing.assert_close(refine_logits(logits, {}, off), logits)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("value", [torch.nan, torch.inf, 0.0])
def test_no_solver_gives_nan(solver: str, value: float) -> None:
    image, logits = scene(24)
    logits[2:9, 3:12] = value
    params = replace(CRF_PRESETS["logits"], solver=solver, tolerance=1e-4, regularization=0.5)
    assert bool(refine(params, image, logits).isfinite().all())
    assert bool(refine(params, image, torch.full_like(logits, value)).isfinite().all())


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_gains_over_the_noise(solver: str) -> None:
    random = np.random.default_rng(1)
    y, x = np.mgrid[:64, :64]
    mask = (y - 30) ** 2 + (x - 34) ** 2 < 20**2
    logits = torch.from_numpy(np.where(mask, 1.0, -1.0) + 1.5 * random.normal(size=mask.shape))
    params = CrfParams(gaussian_weight=5.0, solver=solver, iterations=8)
    right = (refine_logits(logits, {}, params) > 0).numpy() == mask
    assert right.mean() > 0.97 > ((logits > 0).numpy() == mask).mean()


def test_tolerance_stops_early() -> None:
    _, logits = scene(40)
    params = CrfParams(gaussian_weight=3.0, iterations=50)
    full = refine_logits(logits, {}, params)
    early = refine_logits(logits, {}, replace(params, tolerance=1e-3))
    assert 0 < float((full - early).abs().max()) < 0.5


@pytest.mark.parametrize("name", PRESETS)
def test_two_of_many_labels_agree_with_two(name: str) -> None:
    image, logits = scene(32)
    params = replace(CRF_PRESETS[name], temperature=1.4)
    features = features_of(params, image, logits)
    both = refine_labels(torch.stack([-logits / 2, logits / 2]), features, params)
    expected = refine_logits(logits, features, params)
    torch.testing.assert_close(both[1] - both[0], expected, atol=1e-4, rtol=1e-4)


def test_many_labels() -> None:
    image, logits = scene(40)
    three = torch.stack([torch.zeros_like(logits), logits, image])
    three[:, 3:6, 3:6] = torch.nan
    valid = torch.ones(40, 40, dtype=torch.bool)
    valid[:, :8] = False
    params = CrfParams(gaussian_weight=2.0)
    refined = refine_labels(three, {}, params, valid)
    assert bool(refined.isfinite().all())
    torch.testing.assert_close(refined[:, 9:, :8], three[:, 9:, :8])
    never = torch.tensor([[0.0, 1.0, 9.0], [1.0, 0.0, 9.0], [9.0, 9.0, 9.0]])
    costly = refine_labels(three, {}, params, valid, never)
    counts = [(maps.argmax(0) == 2)[:, 8:].sum().item() for maps in (refined, costly)]
    assert counts[1] < 0.1 * counts[0]
