# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from cryosegment.core.crf.calibration import calibrate_temperature


def drawn(temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels as likely as logits / temperature say."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(300, 300, generator=generator)
    labels = torch.rand(300, 300, generator=generator) < torch.sigmoid(logits / temperature)
    return logits, labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels(temperature: float) -> None:
    logits, labels = drawn(temperature)
    known = torch.ones_like(labels)
    parts = [slice(0, 100), slice(100, 300)]
    found = calibrate_temperature(
        [logits[p] for p in parts], [labels[p] for p in parts], [known[p] for p in parts]
    )
    assert found == pytest.approx(temperature, rel=0.03)


def test_only_known_pixels_count() -> None:
    logits, labels = drawn(2.0)
    known = torch.ones_like(labels)
    known[:150] = False
    logits[200:210] = torch.nan
    spoiled = torch.where(known, labels, ~labels)
    assert calibrate_temperature([logits], [spoiled], [known]) == pytest.approx(2.0, rel=0.05)


def test_bounds_and_nothing_known() -> None:
    logits = torch.tensor([[4.0, -4.0]])
    known = torch.ones(1, 2, dtype=torch.bool)
    assert calibrate_temperature([logits], [logits > 0], [known]) == pytest.approx(0.05, rel=0.01)
    assert calibrate_temperature([logits], [logits < 0], [known]) == pytest.approx(20, rel=0.01)
    assert calibrate_temperature([logits], [logits > 0], [~known]) == 1.0
