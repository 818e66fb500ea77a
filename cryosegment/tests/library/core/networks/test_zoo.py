# SPDX-License-Identifier: GPL-3.0-or-later
"""Every network of the zoo does what a network must: learn, be saved, take any image."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from cryosegment.core.models.acceleration import InBfloat16, fold_normalizations
from cryosegment.core.models.checkpoint import load_network, save_checkpoint
from cryosegment.core.models.features import predict_features
from cryosegment.core.models.inference import predict_logits
from cryosegment.core.networks import HEADS, build_network, encoders
from cryosegment.core.networks.encoders import Encoder
from cryosegment.core.training.data.targets import make_targets
from cryosegment.core.training.fit.objective import total
from cryosegment.core.training.losses.picking import PickingLoss
from cryosegment.exchange.card import ModelCard, TrainedNetwork
from cryosegment.exchange.errors import ModelError, ParameterError
from cryosegment.exchange.params import OWN_ENCODED_NETWORKS, InputParams
from cryosegment.exchange.params.networks import BATCH_NORM, GROUP_NORM
from cryosegment.exchange.parts import NETWORKS

SMP_NETWORKS = {name: part.arguments for name, part in NETWORKS.items() if part.arguments}
WIDTHS = [32, 16, 16, 16, 8]
SMALL = {
    "compact": {"widths": [8, 16], "deep_blocks": 0},
    "unet": {"encoder": "tiny", "widths": WIDTHS},
    "unet++": {"encoder": "tiny", "widths": WIDTHS},
    "fcn": {"encoder": "tiny"},
    "deeplabv3": {"encoder": "tiny", "rates": [1, 2, 3], "width": 16},
    "attention-unet": {"widths": [8, 16, 32]},
    "multi-atrous": {"branches": 2, "widths": [8, 16, 16, 16], "branch_width": 16},
    "separable-unet": {"widths": [16, 32, 32]},
}
SMALL |= {name: {**arguments, "encoder": "resnet18"} for name, arguments in SMP_NETWORKS.items()}
HAS_LIBRARY = find_spec("segmentation_models_pytorch") is not None
LIBRARY = [
    pytest.param(
        name, marks=pytest.mark.skipif(not HAS_LIBRARY, reason="no segmentation_models.pytorch")
    )
    for name in SMP_NETWORKS
]
NAMES = [*(name for name in SMALL if name not in SMP_NETWORKS), *LIBRARY]
SIDE, DIAMETER = 64, 24.0
STRIDE = 32
"""Where the images of the tests of locality are cut, px."""
PATCH = 48
FAMILIES = ("resnet18", "resnet50", "densenet121", "efficientnet-b0")


def tiny_encoder() -> Encoder:
    """An encoder of one convolution a stage."""
    channels = (8, 16, 16, 32, 64)
    stages = [
        nn.Sequential(nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU())
        for before, after in zip((1, *channels), channels)
    ]
    return Encoder(stages, channels)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(encoders._ENCODERS, "tiny", tiny_encoder)


def small(name: str) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return build_network(name, **SMALL[name])


def scene() -> tuple[Tensor, Tensor, Tensor]:
    """Image, instances and centres of two discs in noise."""
    centers = torch.tensor([[20.0, 17.0], [43.0, 46.0]])
    pixels = torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij"), -1)
    distance, nearest = ((pixels[:, :, None] - centers) ** 2).sum(-1).min(-1)
    instances = torch.where(distance <= (DIAMETER / 2) ** 2, nearest + 1, 0).int()
    noise = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return noise - 2.0 * (instances > 0), instances, centers


def weights(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_none_is_left_out() -> None:
    assert list(NETWORKS) == list(SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_patch_is_learnt_by_heart(name: str) -> None:
    image, instances, centers = scene()
    nothing = torch.zeros(1, SIDE, SIDE)
    diameters = torch.tensor([DIAMETER])
    targets = make_targets(instances[None], nothing, nothing + 1, centers[None], diameters)
    network = small(name)
    loss, optimizer = PickingLoss(), torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(80):
        optimizer.zero_grad()
        total(loss(network(image[None, None]), targets)).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    mask = predict_logits(network.eval(), image)[HEADS.index("particle")] > 0
    true = instances > 0
    least = 0.8 if name in SMP_NETWORKS else 0.9  # a feature pyramid is a quarter of the size
    assert (mask & true).sum() / (mask | true).sum() > least


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_fresh_network_expects_few_centers(name: str) -> None:
    said = predict_logits(small(name).eval(), scene()[0]).sigmoid()
    assert said[HEADS.index("center")].mean() < 0.1
    assert said[HEADS.index("particle")].mean() > 0.2


@pytest.mark.parametrize("normalization", [BATCH_NORM, GROUP_NORM])
@pytest.mark.parametrize("name", NAMES)
def test_a_model_comes_back_bit_by_bit(name: str, normalization: str, tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = build_network(name, **SMALL[name], normalization=normalization)
    network(torch.randn(2, 1, 64, 64))
    network = network.half().float().eval()  # files hold half precision
    path = tmp_path / "model.safetensors"
    arguments = {**SMALL[name], "normalization": normalization}
    save_checkpoint(
        path, network, ModelCard(name, TrainedNetwork(name, arguments, HEADS), InputParams(20.0))
    )
    found, card = load_network(path)
    assert card.network.arguments == arguments
    network = network.to(memory_format=torch.channels_last)
    image = scene()[0]
    assert torch.equal(predict_logits(found, image), predict_logits(network, image))


@pytest.mark.parametrize("size", [(1, 1), (31, 50), (64, 33)])
@pytest.mark.parametrize("name", NAMES)
def test_logits_and_features_have_the_size_of_the_image(name: str, size: tuple[int, int]) -> None:
    network, image = small(name).eval(), torch.randn(*size)
    before = image.clone()
    assert predict_logits(network, image).shape == (6, *size)
    assert predict_features(network, image, 512, 64).shape[1:] == size
    assert torch.equal(image, before)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_of_one_smallest_patch(name: str) -> None:
    """No layer needs more, and every weight learns, as training in several processes wants."""
    network = small(name)
    network(torch.randn(1, 1, PATCH, PATCH)).square().sum().backward()
    assert [key for key, weight in network.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_depends_on_what_is_near(name: str) -> None:
    """A crop, cut at whole strides, is answered as the whole beyond a margin, to 1e-4.

    The margin is where the answers change when one pixel does.
    """
    network, cut = trained(name), reach(name)
    side = 2 * (cut + STRIDE) + 64
    image = torch.randn(side, side, generator=torch.Generator().manual_seed(2))
    whole = predict_logits(network, image)
    spot = image.clone()
    spot[side // 2, side // 2] += 100
    changed = torch.nonzero((predict_logits(network, spot) - whole).abs().amax(0))
    assert (changed - side // 2).abs().max() < cut, "this network sees farther than this test"
    crop = predict_logits(network, image[STRIDE:-STRIDE, STRIDE:-STRIDE])
    inside = slice(STRIDE + cut, -STRIDE - cut)
    kept = slice(cut, -cut)
    torch.testing.assert_close(crop[:, kept, kept], whole[:, inside, inside], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_far_away_does_not_matter(name: str) -> None:
    """As a particle, carbon or dirt does in models of earlier versions."""
    network, cut = trained(name), reach(name)
    image = torch.randn(cut + 2 * STRIDE, 64, generator=torch.Generator().manual_seed(2))
    other = image.clone()
    other[:STRIDE] *= 30
    found, expected = (predict_logits(network, seen)[:, -STRIDE:] for seen in (other, image))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_tiles_are_answered_as_the_whole(name: str) -> None:
    network, halo = trained(name), reach(name)
    image = torch.randn(64, 2 * halo + 2 * STRIDE, generator=torch.Generator().manual_seed(2))
    found = predict_logits(network, image, 2 * halo + STRIDE, halo)
    torch.testing.assert_close(found, predict_logits(network, image), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_folded_normalisations_change_nothing(name: str) -> None:
    network, image = trained(name), scene()[0]
    folded = fold_normalizations(network)
    assert sum(map(is_norm, folded.modules())) < sum(map(is_norm, network.modules()))
    maps, expected = (predict_logits(n, image).sigmoid() for n in (folded, network))
    torch.testing.assert_close(maps, expected, atol=1e-5, rtol=0)
    predict_logits(InBfloat16(folded), image)  # every operation knows bfloat16


@pytest.mark.slow
@pytest.mark.parametrize("encoder", FAMILIES)
def test_folded_encoders_answer_the_same(encoder: str) -> None:
    """Whatever takes the output of a convolution beside its normalisation would show."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network, image = build_network("fcn", encoder=encoder), scene()[0]
        network(torch.randn(2, 1, 64, 64))
    folded = fold_normalizations(network.eval())
    maps, expected = (predict_logits(n, image).sigmoid() for n in (folded, network))
    torch.testing.assert_close(maps, expected, atol=1e-4, rtol=0)


def is_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.BatchNorm2d)


def reach(name: str) -> int:
    """More than how far the network sees, px: those of the library have a large encoder here."""
    return 320 if name in SMP_NETWORKS else 128


def trained(name: str) -> nn.Module:
    """A network that has seen a few batches, so that its statistics are not those it began with."""
    network = small(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        for _ in range(3):
            network(torch.randn(2, 1, 64, 64))
    return network.eval()


@pytest.mark.slow
@pytest.mark.parametrize("encoder", FAMILIES)
@pytest.mark.parametrize("name", [*OWN_ENCODED_NETWORKS, *LIBRARY])
def test_every_family_of_encoders_fits(name: str, encoder: str) -> None:
    with torch.device("meta"):
        network = build_network(name, encoder=encoder, **NETWORKS[name].arguments)
        assert network(torch.zeros(1, 1, 40, 64)).shape == (1, 6, 40, 64)


@pytest.mark.parametrize(
    ("name", "encoder", "published", "middle"),
    [
        ("fcn", "resnet50", 35_322_218, 512),
        ("fcn", "resnet101", 54_314_346, 512),
        ("deeplabv3", "resnet50", 42_004_074, 256),
        ("deeplabv3", "resnet101", 60_996_202, 256),
    ],
)
def test_weights_are_as_many_as_in_torchvision(
    name: str, encoder: str, published: int, middle: int
) -> None:
    """Torchvision's models see three colours and 21 classes, and have an auxiliary FCN head."""
    auxiliary = 9 * 1024 * 256 + 2 * 256 + 21 * (256 + 1)
    colours, classes = 2 * 64 * 49, (21 - 6) * (middle + 1)
    with torch.device("meta"):
        network = build_network(name, encoder=encoder, normalization=GROUP_NORM)
    assert weights(network) == published - auxiliary - colours - classes


def test_weights_of_the_sources() -> None:
    with torch.device("meta"):
        cryosegnet = build_network("attention-unet", widths=[64, 128, 256, 512, 1024, 2048])
        pixer = build_network("multi-atrous", widths=[96, 128, 256, 384], branch_width=1024)
    assert weights(cryosegnet) == pytest.approx(131.4e6, rel=1e-3)
    layers = [(1, 96), (96, 96), (96, 128), (128, 128), (128, 256), (256, 256), (256, 384)]
    encoder = sum(9 * before * after + 3 * after for before, after in layers)
    branch = 9 * 384 * 1024 + 1024**2 + 6 * 1024
    assert weights(pixer) == encoder + 4 * branch + 6 * (4 * 1024 + 1)


@pytest.mark.parametrize("encoder", ["resnet50", "efficientnet-b0"])
def test_the_unet_is_that_of_monai(encoder: str) -> None:
    from monai.networks.nets.flexible_unet import FlexibleUNet

    with torch.device("meta"):
        theirs = FlexibleUNet(1, 6, encoder)
        ours = build_network("unet", encoder=encoder, normalization=GROUP_NORM)
    classifier = [
        module
        for name, module in theirs.encoder.named_children()
        if name in ("_conv_head", "_bn1", "_fc")
    ]
    head = (9 - 1) * 16 * 6  # theirs is 3x3
    assert weights(ours) == weights(theirs) - sum(map(weights, classifier)) - head


@pytest.mark.parametrize("branches", [0, 6])
def test_branches_out_of_range(branches: int) -> None:
    with pytest.raises(ParameterError, match=f"1 to 5 branches, got {branches}"):
        build_network("multi-atrous", branches=branches)


@pytest.mark.slow
def test_libraries_are_imported_where_they_are_needed() -> None:
    """Without them the compact network works, and the others say what is missing."""
    code = """
import sys
sys.modules["monai"] = sys.modules["segmentation_models_pytorch"] = None
from cryosegment.core.networks import build_network
build_network("compact"), build_network("attention-unet"), build_network("multi-atrous")
for name, arguments in (("unet", {}), ("smp-fpn", {"architecture": "fpn", "encoder": "resnet18"})):
    try:
        build_network(name, **arguments)
    except RuntimeError as error:
        print(type(error).__name__, error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    monai, smp = found.stdout.splitlines()
    assert monai.startswith(f"{ModelError.__name__} expected the package monai for network unet")
    assert smp.endswith("found none: install it (pip install segmentation-models-pytorch)")
