# SPDX-License-Identifier: GPL-3.0-or-later
"""Encoders of the literature, built of MONAI's networks without their classifiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from jaxtyping import Float
from monai.networks.nets.densenet import DenseNet
from monai.networks.nets.efficientnet import (
    EfficientNetBNFeatures,
    EfficientNetEncoder,
    MBConvBlock,
)
from monai.networks.nets.resnet import ResNet
from torch import Tensor, nn

from cryosegment.exchange.errors import ParameterError

GROWTH = 32
"""Channels that each layer of a DenseNet adds."""
STRIDE = 32
"""Factor by which an encoder reduces its input."""


class Encoder(nn.Module):
    """Five stages, each of which halves height and width.

    Parameters
    ----------
    stages
        From the image on.
    channels
        Of each stage's maps.
    """

    def __init__(self, stages: Sequence[nn.Module], channels: Sequence[int]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.channels = tuple(channels)

    def forward(self, image: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Maps of every stage, from fine to coarse."""
        maps = []
        features = image
        for stage in self.stages:
            features = stage(features)
            maps.append(features)
        return maps

    def dilate(self, stage: int, rate: int) -> None:
        """Make a stage keep height and width, with dilated kernels of the same reach.

        Parameters
        ----------
        stage
            Its number, from 0.
        rate
            By how much coarser its maps were than those at the height and width it keeps.
        """
        for module in self.stages[stage].modules():
            for name, child in module.named_children():
                if isinstance(child, nn.AvgPool2d):
                    setattr(module, name, nn.Identity())
            if isinstance(module, nn.Conv2d):
                own = rate // module.stride[0]  # a kernel that halves looks at finer maps
                reach = own * (module.kernel_size[0] // 2)
                module.stride, module.dilation = (1, 1), (own, own)
                module.padding = (reach, reach)


def build_encoder(name: str) -> Encoder:
    """An encoder of one-channel images, with fresh weights.

    Raises
    ------
    ParameterError
        If there is no encoder of that name.

    Notes
    -----
    He et al., 2015 (stride in the 3x3 convolutions, as torchvision has it); Huang et al., 2017;
    Tan & Le, 2019. There is no stochastic depth, so that a resumed training repeats itself.
    """
    if name not in _ENCODERS:
        known = ", ".join(_ENCODERS)
        raise ParameterError(
            f"expected an encoder among {known}, found {name!r}: choose one of them"
        )
    return _ENCODERS[name]()


def _resnet(block: str, *layers: int) -> Encoder:
    net = ResNet(
        block,
        list(layers),
        [64, 128, 256, 512],
        spatial_dims=2,
        n_input_channels=1,
        conv1_t_stride=2,
        feed_forward=False,
        bias_downsample=False,
    )
    first = nn.Sequential(net.conv1, net.bn1, net.act)
    second = nn.Sequential(net.maxpool, net.layer1)
    expansion = 1 if block == "basic" else 4
    channels = (64, *(expansion * width for width in (64, 128, 256, 512)))
    return Encoder((first, second, net.layer2, net.layer3, net.layer4), channels)


def _densenet(*layers: int) -> Encoder:
    part = DenseNet(2, 1, 1, block_config=layers).features.get_submodule
    stages = [
        nn.Sequential(part("conv0"), part("norm0"), part("relu0")),
        nn.Sequential(part("pool0"), part("denseblock1")),
    ]
    channels = [64]
    width = 64
    for number, count in enumerate(layers, 1):
        width += GROWTH * count
        channels.append(width)
        if number == len(layers):
            stages[-1].extend((part("norm5"), nn.ReLU(inplace=True)))
        else:
            between = part(f"transition{number}").get_submodule
            stages[-1].extend((between("norm"), between("relu")))
            block = part(f"denseblock{number + 1}")
            stages.append(nn.Sequential(between("conv"), between("pool"), block))
        width //= 2
    return Encoder(stages, channels)


def _efficientnet(name: str) -> Encoder:
    net = EfficientNetBNFeatures(name, pretrained=False, in_channels=1)
    blocks = net._blocks
    stages = (
        nn.Sequential(net._conv_stem, net._bn0, net._swish, blocks[0]),
        blocks[1],
        blocks[2],
        nn.Sequential(blocks[3], blocks[4]),
        nn.Sequential(blocks[5], blocks[6]),
    )
    names = EfficientNetEncoder.get_encoder_names()
    encoder = Encoder(stages, EfficientNetEncoder.num_channels_per_output()[names.index(name)])
    for module in encoder.modules():
        _pad_evenly(module)
        if isinstance(module, MBConvBlock):
            module.drop_connect_rate = None
    return encoder


def _pad_evenly(module: nn.Module) -> None:
    """Let convolutions pad by themselves, whatever the size of the image."""
    for name, child in module.named_children():
        if isinstance(child, nn.ConstantPad2d):
            setattr(module, name, nn.Identity())
    if isinstance(module, nn.Conv2d):
        module.padding = (module.kernel_size[0] // 2, module.kernel_size[1] // 2)


_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "resnet18": partial(_resnet, "basic", 2, 2, 2, 2),
    "resnet50": partial(_resnet, "bottleneck", 3, 4, 6, 3),
    "resnet101": partial(_resnet, "bottleneck", 3, 4, 23, 3),
    "densenet121": partial(_densenet, 6, 12, 24, 16),
    "densenet169": partial(_densenet, 6, 12, 32, 32),
    "efficientnet-b0": partial(_efficientnet, "efficientnet-b0"),
    "efficientnet-b1": partial(_efficientnet, "efficientnet-b1"),
    "efficientnet-b2": partial(_efficientnet, "efficientnet-b2"),
    "efficientnet-b3": partial(_efficientnet, "efficientnet-b3"),
    "efficientnet-b4": partial(_efficientnet, "efficientnet-b4"),
    "efficientnet-b5": partial(_efficientnet, "efficientnet-b5"),
}
