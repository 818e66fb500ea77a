# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter as scipy_gaussian

from cryosegment.core.crf import crf_features
from cryosegment.core.crf.features import denoise, principal_components
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import CRF_PRESETS, CrfParams


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def test_only_what_is_asked_for() -> None:
    image, logits = noise(2, 20, 24)
    assert crf_features(CRF_PRESETS["gaussian"], logits, image) == {}
    both = CrfParams(appearance=("logits:1:10:2", "intensity:1:5:1", "logits:1:20:2"))
    found = crf_features(both, logits, image)
    assert list(found) == ["logits", "intensity"]
    assert torch.equal(found["logits"][0], logits)


def test_intensity_is_the_low_passed_image() -> None:
    image, logits = noise(2, 40, 40)
    params = CrfParams(appearance=("intensity:1:5:1",), intensity_sigma=1.5)
    expected = scipy_gaussian(image.numpy(), 1.5, mode="constant") / scipy_gaussian(
        np.ones((40, 40)), 1.5, mode="constant"
    )
    found = crf_features(params, logits, image)["intensity"][0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_denoising_keeps_discs_and_takes_noise() -> None:
    y, x = torch.meshgrid(torch.arange(80), torch.arange(80), indexing="ij")
    clean = torch.where((y - 40) ** 2 + (x - 40) ** 2 < 20**2, -1.5, 0.5)
    noisy = clean + noise(80, 80)
    found = denoise(noisy)
    error, before = (float((image - clean).std()) for image in (found, noisy))
    assert error < 0.5 * before
    assert float(found[36:44, 36:44].mean()) == pytest.approx(-1.5, abs=0.25)
    assert float(found[:8].mean()) == pytest.approx(0.5, abs=0.25)


def test_principal_components_agree_with_svd() -> None:
    mixing = noise(6, 6) * torch.tensor([3.0, 2.0, 1.0, 0.1, 0.1, 0.1])
    maps = torch.einsum("ij,jhw->ihw", mixing, noise(6, 30, 31))
    pixels = maps.reshape(6, -1).numpy()
    centred = pixels - pixels.mean(1, keepdims=True)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    expected = (left[:, :3].T @ centred) / (values[0] / np.sqrt(pixels.shape[1]))
    found = principal_components(maps).reshape(3, -1).numpy()
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours * np.sign(ours @ theirs), theirs, atol=2e-3)
    assert float(found[0].std()) == pytest.approx(1, abs=0.01)


def test_sign_of_components_is_fixed() -> None:
    """The map that weighs most in a component does so with a plus."""
    for scale in (noise(6), -noise(6)):
        maps = noise(6, 12, 12) * (1 + scale[:, None, None])
        found = principal_components(maps, 6).reshape(6, -1).double()
        centred = maps.reshape(6, -1).double()
        centred = centred - centred.mean(1, keepdim=True)
        loadings = found @ torch.linalg.pinv(centred)
        largest = loadings.gather(1, loadings.abs().argmax(1, keepdim=True))
        assert bool((largest > 0).all())
        torch.testing.assert_close(found[:2].float(), principal_components(maps, 2).reshape(2, -1))


def test_components_of_spoiled_constant_and_few_maps() -> None:
    maps = noise(3, 10, 10)
    spoiled = maps.clone()
    spoiled[1, 2, 3] = torch.nan
    found = principal_components(spoiled)
    assert found.isnan().sum().item() == 3
    assert bool(found[:, 2, 3].isnan().all())
    assert bool(principal_components(torch.full((3, 8, 8), 2.0)).abs().max() < 1e-3)
    assert principal_components(maps[:2]).shape == (2, 10, 10)  # components, h, w
    assert bool(principal_components(torch.full((3, 4, 4), torch.nan)).isnan().all())


def test_what_is_not_at_hand() -> None:
    with pytest.raises(InputError, match="feature network needs what is not at hand"):
        crf_features(CRF_PRESETS["network"], torch.zeros(4, 4), torch.zeros(4, 4))
    with pytest.raises(InputError, match="feature intensity"):
        crf_features(CRF_PRESETS["intensity"], torch.zeros(4, 4))


def test_denoising_keeps_what_stands_out_of_the_noise() -> None:
    """A spot of eight standard deviations is no noise, and is not averaged with its like."""
    image = noise(60, 60) / 4
    image[28:32, 28:32] += 3.0
    assert float(denoise(image)[29:31, 29:31].mean()) > 2.0
