# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import cv2
import pytest
import torch

from cryosegment.core.images.border import Bounds, valid_bounds
from cryosegment.core.images.micrograph import read_micrograph

SIZE = 512


@pytest.fixture
def noise() -> torch.Tensor:
    return torch.randn(SIZE, SIZE + 64, generator=torch.Generator().manual_seed(3)) * 4 + 50


def streak(image: torch.Tensor, bounds: Bounds) -> torch.Tensor:
    """The outermost good lines repeated outwards, as motion correction leaves them."""
    image = image.clone()
    image[: bounds.top] = image[bounds.top]
    image[bounds.bottom :] = image[bounds.bottom - 1]
    image[:, : bounds.left] = image[:, bounds.left, None]
    image[:, bounds.right :] = image[:, bounds.right - 1, None]
    return image


BORDERS = [Bounds(0, SIZE, 0, SIZE + 64), Bounds(1, 510, 3, 570), Bounds(20, 480, 0, 560)]


@pytest.mark.parametrize("bounds", BORDERS)
def test_streaks_are_found_to_the_pixel(noise: torch.Tensor, bounds: Bounds) -> None:
    found = valid_bounds(streak(noise, bounds))
    for name in ("top", "bottom", "left", "right"):
        assert getattr(found, name) == pytest.approx(getattr(bounds, name), abs=1), name


@pytest.mark.parametrize("value", [0.0, 50.0])
def test_constant_padding_is_found(noise: torch.Tensor, value: float) -> None:
    padded = torch.full((SIZE + 200, SIZE + 64), value)
    padded[150 : 150 + SIZE] = noise
    found = valid_bounds(padded)
    assert found.top == pytest.approx(150, abs=1)
    assert found.bottom == pytest.approx(150 + SIZE, abs=1)
    assert (found.left, found.right) == (0, SIZE + 64)


def test_rows_of_one_value_each_are_dead(noise: torch.Tensor) -> None:
    noise[:12] = torch.arange(12.0)[:, None] * 5
    assert valid_bounds(noise).top == pytest.approx(12, abs=1)


def test_a_band_outside_the_streak_is_dead_too(noise: torch.Tensor) -> None:
    noise[10:30] = noise[30]
    assert valid_bounds(noise).top == pytest.approx(30, abs=1)


def test_dead_lines_within_are_no_border(noise: torch.Tensor) -> None:
    """A border starts at the rim: here four in ten of the lines before its end are dead."""
    noise[60:100] = noise[100]
    noise[:, -100:-60] = noise[:, -101, None]
    assert valid_bounds(noise) == BORDERS[0]


@pytest.mark.slow
@pytest.mark.parametrize("sigma", [2.0, 5.0])
def test_crops_of_smooth_micrographs_have_no_border(shared_data: Path, sigma: float) -> None:
    """Denoised micrographs have few independent pixels, so that some lines look like streaks."""
    paths = sorted((shared_data / "empiar10017" / "micrographs").glob("*.jpg"))
    for path in paths[::5]:
        image = read_micrograph(path, 1.77).image.numpy()
        smooth = torch.from_numpy(cv2.GaussianBlur(image, (0, 0), sigma))
        for top, left in ((300, 500), (1500, 1200), (2900, 300)):
            bounds = valid_bounds(smooth[top : top + 1024, left : left + 1024])
            assert bounds.area > 0.98 * 1024**2, (path.name, bounds)


def test_a_dead_detector_line_is_no_border(noise: torch.Tensor) -> None:
    noise[100] = 0
    noise[:, 60] = noise[:, 61]
    assert valid_bounds(noise) == BORDERS[0]


def test_counted_electrons_have_no_border() -> None:
    counts = torch.poisson(
        torch.full((SIZE, SIZE), 0.3), generator=torch.Generator().manual_seed(0)
    )
    assert valid_bounds(counts).area == counts.numel()


@pytest.mark.parametrize("shape", [(20, 500), (31, 31)])
def test_tiny_images_are_not_searched(shape: tuple[int, int]) -> None:
    assert valid_bounds(torch.zeros(shape)).area == shape[0] * shape[1]


def test_real_borders(shared_data: Path) -> None:
    """Borders of all 14 micrographs were read off by eye: 57-61, 76-79, 92-105 px."""
    paths = sorted((shared_data / "empiar10017" / "micrographs").glob("*.jpg"))
    for path in paths[::5]:
        found = valid_bounds(read_micrograph(path, 1.77).image)
        assert 70 <= found.top <= 85
        assert 50 <= found.left <= 65
        assert 85 <= 4096 - found.bottom <= 100
        assert 95 <= 4096 - found.right <= 110


def test_real_images_without_border(shared_data: Path) -> None:
    paths = sorted((shared_data / "quality_classes").glob("*/*.png"))
    assert paths
    for path in paths:
        image = read_micrograph(path, 8.0).image
        assert valid_bounds(image).area == image.numel(), path.name
