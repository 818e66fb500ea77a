# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.images.working import working_image
from cryosegment.core.models.checkpoint import load_network
from cryosegment.core.models.verification import (
    TOLERANCE,
    checksum,
    difference,
    draw_test_image,
    verify,
)
from cryosegment.exchange.card import ModelCard, TrainedNetwork
from cryosegment.exchange.errors import ModelError
from cryosegment.exchange.model_files import GENERAL, model_path
from cryosegment.exchange.params import FrontEndParams, InputParams, NoiseParams

Loaded = tuple[nn.Module, ModelCard]


@pytest.fixture(scope="module")
def general() -> Loaded:
    """The shipped model, with a checksum that is made here."""
    network, card = load_network(model_path(GENERAL))
    return network, replace(card, checksum=checksum(network, card.input))


class Rounded(nn.Module):
    """A network that works with other numbers than float32."""

    def __init__(self, network: nn.Module, kind: torch.dtype) -> None:
        super().__init__()
        self.network, self.kind = network, kind
        self.stride = network.stride

    def forward(self, image: Tensor) -> Tensor:
        with torch.autocast("cpu", self.kind):
            return self.network(image).float()


def test_the_test_image_is_the_same_everywhere() -> None:
    image = draw_test_image()
    assert image.shape == (192, 192)
    assert float(image.double().mean()) == pytest.approx(0.0216957, abs=1e-6)
    assert float(image[17, 5]) == pytest.approx(-0.4560883, abs=1e-6)
    assert float(image[40, 50]) < -0.5 < 2 < float(image[140, 150])


def test_a_model_is_what_its_card_says(general: Loaded) -> None:
    network, card = general
    assert len(card.checksum) == len(card.network.heads)
    assert {len(head) for head in card.checksum} == {16}
    assert verify(network, card) == 0


class Classifier(nn.Module):
    """A network that gives a box one answer: its mean and its largest value, or their opposites."""

    def __init__(self) -> None:
        super().__init__()
        self.sign = nn.Parameter(torch.ones(2))

    def forward(self, image: Tensor) -> Tensor:
        return self.sign * torch.stack((image.mean((1, 2, 3)), image.amax((1, 2, 3))), 1)


def test_a_network_that_gives_boxes_one_answer() -> None:
    """Each block of the test image is a box: 48 x 48 px, row by row."""
    network, seen = Classifier(), InputParams(32.0)
    micrograph = Micrograph(draw_test_image(), 5.0, "test image")
    image = working_image(micrograph, 160.0, seen, "dark").image
    means, largest = checksum(network, seen)
    boxes = [image[y : y + 48, x : x + 48] for y in range(0, 192, 48) for x in range(0, 192, 48)]
    assert means == pytest.approx([float(box.mean()) for box in boxes], abs=1e-5)
    assert largest == pytest.approx([float(box.max()) for box in boxes], abs=1e-5)
    card = ModelCard("toy", TrainedNetwork("boxes", {}, ("mean", "largest")), seen)
    card = replace(card, checksum=(means, largest), task="screening")
    assert verify(network, card) == 0
    network.sign.data[1] = -1
    with pytest.raises(ModelError, match="copy the model again"):
        verify(network, card)


def test_another_rounding_is_within_the_tolerance(general: Loaded) -> None:
    network, card = general
    assert 0 < verify(Rounded(network, torch.bfloat16).eval(), card) < TOLERANCE / 2


@pytest.mark.parametrize(
    "change",
    [
        {"contrast": "bright"},
        {"local_mean": 1.1},
        {"clip": 4.4},
        {"pixels_per_diameter": 21.0},
        {"noise": None},
        {"noise": NoiseParams(quantile=0.8)},
        {"front_end": FrontEndParams("median")},
        {"front_end": FrontEndParams("ctf-flip")},
    ],
)
def test_each_part_of_the_input_counts(general: Loaded, change: dict[str, object]) -> None:
    network, card = general
    with pytest.raises(ModelError, match=r"within 0\.1 of those in its card, found"):
        verify(network, replace(card, input=replace(card.input, **change)))


def test_damaged_weights_are_found(general: Loaded) -> None:
    _, card = general
    network, _ = load_network(model_path(GENERAL))
    with torch.no_grad():
        next(network.parameters())[3].neg_()
    with pytest.raises(ModelError, match="copy the model again"):
        verify(network, card)


def test_a_card_without_checksum(general: Loaded) -> None:
    with pytest.raises(ModelError, match="expected a checksum in the card of general, found none"):
        verify(general[0], replace(general[1], checksum=()))


def test_difference_is_in_units_of_the_spread() -> None:
    assert difference(((1.0, 3.0), (0.0, 0.2)), ((1.0, 3.0), (0.0, 0.4))) == pytest.approx(1.0)
    assert difference(((1.0, 3.0),), ((1.0, 3.5), (0.0, 0.4))) == float("inf")
    nothing = float("nan")
    assert not difference(((1.0, nothing),), ((1.0, 3.0),)) <= TOLERANCE
