# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cryosegment.core.images.contrast import band_skewness, detect_contrast
from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.images.working import working_image
from cryosegment.exchange.params import InputParams

DIAMETER = 20.0


@pytest.fixture
def discs() -> torch.Tensor:
    """Faint dark discs of 20 px on a grid, in noise."""
    generator = torch.Generator().manual_seed(4)
    y, x = torch.meshgrid(torch.arange(400.0), torch.arange(420.0), indexing="ij")
    inside = ((y % 50 - 25) ** 2 + (x % 50 - 25) ** 2) < (DIAMETER / 2) ** 2
    return torch.randn(400, 420, generator=generator) - 0.8 * inside


@pytest.mark.parametrize("diameter_px", [14.0, DIAMETER, 35.0])
def test_discs_are_told(discs: torch.Tensor, diameter_px: float) -> None:
    assert detect_contrast(discs, diameter_px) == "dark"
    assert detect_contrast(-discs, diameter_px) == "bright"


def test_inverting_inverts_the_skewness(discs: torch.Tensor) -> None:
    assert band_skewness(discs, DIAMETER) == pytest.approx(-band_skewness(-discs, DIAMETER), 0.05)


def test_noise_counts_as_dark() -> None:
    noise = torch.randn(400, 400, generator=torch.Generator().manual_seed(0))
    assert abs(band_skewness(noise, DIAMETER)) < 0.05
    assert detect_contrast(noise, DIAMETER) == "dark"


def test_a_bright_contaminant_does_not_sway(discs: torch.Tensor) -> None:
    discs[40:48, [40, 41, 120, 121, 200, 201]] = 200.0  # one spot in each of three blocks
    assert detect_contrast(discs, DIAMETER) == "dark"


def test_invalid_pixels_do_not_count(discs: torch.Tensor) -> None:
    valid = torch.ones_like(discs, dtype=torch.bool)
    valid[:, 200:] = False
    spoiled = torch.where(valid, discs, -discs)
    assert detect_contrast(spoiled, DIAMETER, valid) == "dark"
    assert detect_contrast(-spoiled, DIAMETER, valid) == "bright"
    assert band_skewness(discs, DIAMETER, torch.zeros_like(valid)) == 0


@pytest.mark.slow
def test_real_micrographs_and_their_inverse(shared_data: Path) -> None:
    paths = sorted((shared_data / "empiar10017" / "micrographs").glob("*.jpg"))
    for path in paths[::5]:
        micrograph = read_micrograph(path, 1.77)
        inverse = replace(micrograph, image=255 - micrograph.image)
        dark, bright = (
            working_image(record, 191.0, InputParams(20.0)) for record in (micrograph, inverse)
        )
        assert detect_contrast(dark.image, 20.0, dark.valid) == "dark"
        torch.testing.assert_close(dark.image, bright.image, atol=1e-3, rtol=0)
