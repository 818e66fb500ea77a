# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch
from torch import nn

from cryosegment.core.networks.encoders import _ENCODERS, Encoder, build_encoder
from cryosegment.core.networks.segmenter import group_normalize
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import ENCODERS

# of classifiers of colour images in 1000 classes: torchvision's model pages; the classifier's
# inputs, and for EfficientNet the channels of the convolution before it and of the stem
PUBLISHED = {
    "resnet18": (11_689_512, 512, 0, 64),
    "resnet50": (25_557_032, 2048, 0, 64),
    "resnet101": (44_549_160, 2048, 0, 64),
    "densenet121": (7_978_856, 1024, 0, 64),
    "densenet169": (14_149_480, 1664, 0, 64),
    "efficientnet-b0": (5_288_548, 1280, 320, 32),
    "efficientnet-b1": (7_794_184, 1280, 320, 32),
    "efficientnet-b2": (9_109_994, 1408, 352, 32),
    "efficientnet-b3": (12_233_232, 1536, 384, 40),
    "efficientnet-b4": (19_341_616, 1792, 448, 48),
    "efficientnet-b5": (30_389_784, 2048, 512, 48),
}
FAMILIES = ("resnet18", "resnet50", "densenet121", "efficientnet-b0")


def count(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def test_names_are_those_that_can_be_asked_for() -> None:
    assert tuple(_ENCODERS) == ENCODERS == tuple(PUBLISHED)


@pytest.mark.slow
@pytest.mark.parametrize("name", ENCODERS)
def test_weights_are_as_many_as_published_and_every_stage_halves(name: str) -> None:
    total, inputs, before, stem = PUBLISHED[name]
    classifier = 1000 * (inputs + 1) + before * inputs + (2 * inputs if before else 0)
    colours = 2 * stem * (9 if before else 49)
    with torch.device("meta"):
        encoder = build_encoder(name)
        maps = encoder(torch.zeros(1, 1, 96, 64))
    assert count(encoder) == total - classifier - colours
    assert [one.shape[1] for one in maps] == list(encoder.channels)
    assert [one.shape[2:] for one in maps] == [(96 // k, 64 // k) for k in (2, 4, 8, 16, 32)]


def dilate(encoder: Encoder) -> None:
    """As FCN and DeepLabv3 do."""
    encoder.dilate(3, 2)
    encoder.dilate(4, 4)


def test_dilated_kernels_look_at_the_same_pixels() -> None:
    encoder = build_encoder("resnet18").eval()
    image = torch.randn(1, 1, 64, 96)
    with torch.inference_mode():
        plain = encoder(image)
        dilate(encoder)
        dilated = encoder(image)
    torch.testing.assert_close(dilated[3][..., ::2, ::2], plain[3])
    torch.testing.assert_close(dilated[4][..., ::4, ::4], plain[4])


@pytest.mark.parametrize("name", FAMILIES)
def test_dilated_stages_keep_height_and_width(name: str) -> None:
    with torch.device("meta"):
        encoder = build_encoder(name)
        dilate(encoder)
        maps = encoder(torch.zeros(1, 1, 96, 64))
    assert [one.shape[2:] for one in maps[2:]] == [(12, 8)] * 3
    assert [one.shape[1] for one in maps] == list(encoder.channels)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_step_of_one_smallest_patch(name: str) -> None:
    """Gradients reach every weight; nothing needs more than one value for its statistics."""
    encoder = build_encoder(name)
    group_normalize(encoder)
    assert not list(encoder.buffers())
    maps = encoder(torch.randn(1, 1, 32, 32))
    assert maps[-1].shape[-2:] == (1, 1)
    sum(one.square().sum() for one in maps).backward()
    assert all(weight.grad is not None for weight in encoder.parameters())


def test_nothing_is_random() -> None:
    encoder = build_encoder("efficientnet-b0")
    image = torch.randn(1, 1, 64, 64)
    assert torch.equal(encoder(image)[-1], encoder(image)[-1])


def test_an_unknown_name() -> None:
    with pytest.raises(ParameterError, match="found 'vgg16'"):
        build_encoder("vgg16")
