# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shipped model gains where it is adapted to the micrographs at hand, without training.

    OMP_NUM_THREADS=1 python benchmarks/adapting.py --maps MAPS --work runs/adapting [--data DATA]

Each way is tried on simulated micrographs of molecules of the training, as they are and with their
resolution limited to a quarter of the particle's diameter, as that of denoised ones is. Figures
are F1 at the best threshold, without a CRF. With DATA the ways that gain on such micrographs are
tried on EMPIAR-10017, on which nothing is chosen.

Statistics are those of the batch normalisations, blended with the trained ones: means linearly,
variances geometrically. "Coarse noise counts more" lowers grey levels where the finest structure is
weaker than white noise would have it, as what is left of the noise then is stronger than it says.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean

import torch
from jaxtyping import Float
from micrograph_sets import MicrographSet, Scene, read_empiar10017, simulated
from scipy.ndimage import gaussian_filter
from scoring import Sets
from torch import Tensor, nn
from torch.nn import functional

from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.core.images.micrograph import Micrograph, read_micrograph
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.models.acceleration import InBfloat16
from cryosegment.core.models.inference import picking_maps, predict_logits
from cryosegment.core.models.model import Model, load_model
from cryosegment.core.networks import HEADS
from cryosegment.core.pipeline.micrograph import pick, prepare
from cryosegment.exchange.params import InputParams, NoiseParams, PickParams
from cryosegment.exchange.settings import pick_settings

CROWDED = "--coverage {} --min-distance 0.75 --touching 0.5 --ice-gradient 0.3 --ice-blobs {}"
DIRT = "--particles 100 --ice-blobs 40 --carbon 1 --gold 5 --junk 0.4 --aggregates 5"
SCENES = {
    "crowded": (
        Scene("1aon", 0.015, 1.2, CROWDED.format(0.36, 4), "crowded"),
        Scene("3cf3", 0.007, 1.2, CROWDED.format(0.45, 0), "crowded"),
        Scene("1gyt", 0.009, 1.0, CROWDED.format(0.4, 6), "crowded"),
        Scene("1mnf", 0.01, 1.0, CROWDED.format(0.5, 0), "crowded"),
    ),
    "very noisy": (Scene("3cf3", 0.002, 1.2, "--particles 200", "very noisy"),),
    "few": tuple(
        Scene("3cf3", 0.01, 1.2, f"--particles {number} --ice-blobs 4", f"{number} particles")
        for number in (5, 20)
    ),
    "dirty": (Scene("2gtl", 0.015, 1.7, f"{DIRT} --ice-gradient 1", "dirty"),),
}
LIMIT = 0.25
"""Of the resolution, in particle diameters."""
ORDER = 8
WINDOW = 256
"""Side of a window whose statistics count, px."""
CELLS = 5
"""A window is a square of as many by as many cells."""
OTHER_SCALE = 24.0
"""Pixels per diameter of the second of two scales."""
FINEST = 0.7
"""Finest structure is what a Gaussian of this standard deviation removes, px."""
WHITE = 0.85
"""Finest structure over that of white noise, below which noise is coarse."""
POWER = 0.35
"""Grey levels are lowered by the ratio to this power."""
WEAKEST = 0.35
"""Lowest ratio that counts."""

CHOSEN = ("coarse noise counts more", "24 px per diameter, too")
Logits = list[Float[Tensor, "6 h w"]]


@dataclass(frozen=True)
class Prepared:
    """A micrograph at the scale of the model, and at `OTHER_SCALE`."""

    usual: WorkingImage
    finer: WorkingImage


Way = Callable[[Model, Sequence[Prepared]], Logits]


def main() -> None:
    """Simulate, pick in each way, print the table."""
    arguments = parse_arguments()
    model = load_model("general", "cpu")
    found: dict[str, dict[str, list[float]]] = {name: {} for name in WAYS}
    for kind, scenes in SCENES.items():
        for some in simulated(scenes, arguments.maps, arguments.work, 2):
            for is_limited in (False, True):
                for name, f1 in best_f1s(model, some, is_limited).items():
                    column = f"{kind}, limited" if is_limited else kind
                    found[name].setdefault(column, []).append(f1)
    if arguments.data:
        real = read_empiar10017(arguments.data / "empiar10017")
        for name, f1 in best_f1s(model, real, False, ("as shipped", *CHOSEN)).items():
            print(f"{real.name}, {name}: {f1:.3f}")
    columns = sorted(found["as shipped"], key=lambda column: "limited" in column)
    print(f"| | {' | '.join(columns)} |\n{'|---' * (len(columns) + 1)}|")
    for name, figures in found.items():
        print(f"| {name} | {' | '.join(f'{mean(figures[c]):.3f}' for c in columns)} |")


def parse_arguments() -> argparse.Namespace:
    """Options of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="holds empiar10017")
    return parser.parse_args()


@torch.inference_mode()
def best_f1s(
    model: Model, some: MicrographSet, is_limited: bool, ways: Iterable[str] = ()
) -> dict[str, float]:
    """F1 at the threshold that is best for a set, by way: of some, or of all."""
    params = PickParams(some.diameter, pixel_size=some.pixel_size)
    settings = pick_settings(params, model.card)
    finer = replace(settings, input=replace(settings.input, pixels_per_diameter=OTHER_SCALE))
    prepared = []
    for path in some.micrographs:
        micrograph = read_micrograph(path, some.pixel_size)
        if is_limited:
            micrograph = limited(micrograph, some.diameter)
        prepared.append(Prepared(prepare(micrograph, settings), prepare(micrograph, finer)))
    result = {}
    for way in ways or WAYS:
        candidates: Sets = {}
        for path, one, logits in zip(
            some.micrographs, prepared, WAYS[way](model, prepared), strict=True
        ):
            maps = picking_maps(logits, one.usual.valid)
            picks = pick(path.stem, one.usual, maps, settings).candidates
            candidates[path.stem] = picks.select(settings.is_eligible(picks))
        result[way] = evaluate(candidates, some.reference, some.diameter).overall.best_f1
    return result


def limited(micrograph: Micrograph, diameter: float) -> Micrograph:
    """A micrograph without what is finer than `LIMIT`."""
    image, finest = micrograph.image, LIMIT * diameter / micrograph.pixel_size
    rows, columns = torch.fft.fftfreq(image.shape[0]), torch.fft.rfftfreq(image.shape[1])
    passed = 1 / (1 + (torch.hypot(rows[:, None], columns) * finest) ** ORDER)
    smooth = torch.fft.irfft2(torch.fft.rfft2(image) * passed, s=image.shape)
    return replace(micrograph, image=smooth)


def as_shipped(model: Model, images: Sequence[Prepared]) -> Logits:
    """What picking does."""
    return [predict_logits(model.picker, image.usual.image) for image in images]


class Blended(nn.Module):
    """A batch normalisation whose statistics are blended with those of the images at hand.

    Parameters
    ----------
    trained
        The normalisation.
    share
        Weight of the statistics at hand.
    is_local
        Whether these are those of a window around each pixel, or of all images together.
    """

    def __init__(self, trained: nn.BatchNorm2d, share: float, is_local: bool) -> None:
        super().__init__()
        self.trained, self.share, self.is_local = trained, share, is_local
        self.side = 0

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The features normalised; `side` is that of the network's input, px."""
        trained, features = self.trained, features.float()
        assert trained.running_mean is not None
        assert trained.running_var is not None
        center, power = self._averages(features), self._averages(features.square())
        variance = (power - center.square()).clamp_min(1e-8).log()
        old = trained.running_var[:, None, None].clamp_min(1e-8).log()
        center = torch.lerp(
            trained.running_mean[:, None, None].expand_as(center), center, self.share
        )
        scale = torch.lerp(old.expand_as(variance), variance, self.share).exp() + trained.eps
        normal = (features - center) / scale.sqrt()
        return normal * trained.weight[:, None, None] + trained.bias[:, None, None]

    def _averages(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "n c y x"]:
        if not self.is_local:
            return features.mean((0, 2, 3), keepdim=True)
        cell = max(1, round(WINDOW / CELLS * features.shape[-1] / self.side))
        cells = functional.avg_pool2d(features, cell, ceil_mode=True, count_include_pad=False)
        around = functional.avg_pool2d(cells, CELLS, 1, CELLS // 2, count_include_pad=False)
        return functional.interpolate(around, size=features.shape[-2:], mode="bilinear")


def with_statistics(
    model: Model, images: Sequence[Prepared], share: float, is_local: bool = False
) -> Logits:
    """With the statistics of all images together, or of windows, blended in."""
    network = copy.deepcopy(model.network)
    norms = {n: m for n, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)}
    inputs = torch.stack([image.usual.image for image in images])[:, None]
    for name, norm in norms.items():
        parent, _, last = name.rpartition(".")
        blended = Blended(norm, share, is_local)
        blended.side = inputs.shape[-1]
        setattr(network.get_submodule(parent), last, blended)
    with torch.inference_mode():
        return list(InBfloat16(network)(inputs))


def less_of_coarse_noise(model: Model, images: Sequence[Prepared]) -> Logits:
    """With grey levels lowered where noise is coarse."""
    lowered = (without_coarse_noise(image.usual, model.card.input) for image in images)
    return [predict_logits(model.picker, image) for image in lowered]


def without_coarse_noise(working: WorkingImage, params: InputParams) -> Float[Tensor, "h w"]:
    """What the network receives, lowered where noise is coarse."""
    levels = torch.sinh(working.image / params.clip)
    blurs = (FINEST, NoiseParams.finest * params.pixels_per_diameter)
    white = torch.randn(levels.shape, generator=torch.Generator().manual_seed(0))
    of_image, of_white = (
        [
            float((plane - torch.from_numpy(gaussian_filter(plane.numpy(), blur))).abs().median())
            for blur in blurs
        ]
        for plane in (levels, white)
    )
    ratio = of_image[0] / of_image[1] / (of_white[0] / of_white[1]) / WHITE
    return torch.asinh(levels * min(max(ratio, WEAKEST), 1.0) ** POWER) * params.clip


def mirrored_too(model: Model, images: Sequence[Prepared]) -> Logits:
    """The mean of what the network says to an image and to its mirror image."""
    found = []
    for image in images:
        seen = image.usual.image
        mirrored = predict_logits(model.picker, seen.flip(-1)).flip(-1)
        mirrored[HEADS.index("offset_x")] *= -1
        found.append((predict_logits(model.picker, seen) + mirrored) / 2)
    return found


def at_two_scales(model: Model, images: Sequence[Prepared]) -> Logits:
    """The mean of what the network says at its scale and at `OTHER_SCALE`."""
    found = []
    for image in images:
        logits = predict_logits(model.picker, image.finer.image)
        factor = image.usual.scale_yx[0] / image.finer.scale_yx[0]
        for name in ("offset_y", "offset_x"):
            logits[HEADS.index(name)] /= factor
        usual = predict_logits(model.picker, image.usual.image)
        found.append((usual + resampled(logits, image.usual, image.finer)) / 2)
    return found


def resampled(
    maps: Float[Tensor, "k h2 w2"], usual: WorkingImage, other: WorkingImage
) -> Float[Tensor, "k h w"]:
    """Maps of one working image at the pixels of another; pixel (0, 0) of both coincide."""
    axes = [
        torch.arange(length) * (coarse / fine) / (size - 1) * 2 - 1
        for length, coarse, fine, size in zip(
            usual.image.shape, usual.scale_yx, other.scale_yx, maps.shape[1:], strict=True
        )
    ]
    y, x = torch.meshgrid(*axes, indexing="ij")
    grid = torch.stack((x, y), -1)[None]
    return functional.grid_sample(maps[None], grid, padding_mode="border", align_corners=True)[0]


WAYS: dict[str, Way] = {
    "as shipped": as_shipped,
    "statistics of the data set, a quarter": partial(with_statistics, share=0.25),
    "a half": partial(with_statistics, share=0.5),
    "alone": partial(with_statistics, share=1.0),
    "of windows of 256 px, a quarter": partial(with_statistics, share=0.25, is_local=True),
    "a half of windows": partial(with_statistics, share=0.5, is_local=True),
    "coarse noise counts more": less_of_coarse_noise,
    "the mirror image, too": mirrored_too,
    "24 px per diameter, too": at_two_scales,
}


if __name__ == "__main__":
    main()
