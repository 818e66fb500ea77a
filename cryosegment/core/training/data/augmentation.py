# SPDX-License-Identifier: GPL-3.0-or-later
"""Augmentation of patches beyond rotation and scale; in batches, on their device.

Each patch has its own random numbers, so that it does not depend on the other patches of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

Randoms = Sequence[np.random.Generator]
"""A generator for each patch."""

WAVES = 4
"""Number of cosines over the frequencies that make a change of the spectrum."""
SOFT = 5
"""Width of a pasted particle's soft edge, px."""


@dataclass(frozen=True)
class Augmentation:
    """Strength of the augmentation; by default none.

    Parameters
    ----------
    turns
        Whether patches are rotated by any angle and mirrored.
    zoom
        Largest factor by which a patch is enlarged or reduced: particles vary, and so do the
        diameters that users give.
    gain, offset
        Standard deviations of the logarithm of the contrast, and of what is added to it.
    noise
        Largest standard deviation of white noise that is added; the image has 1.
    paste
        Fraction of the patches on whose empty ice particles from elsewhere are pasted.
    spectrum
        Standard deviation of the logarithm of a smooth, radial filter: another defocus or detector.
    mixing
        Largest standard deviation of the noise that is mixed in, with the spectrum of another
        place.
    """

    turns: bool = False
    zoom: float = 1.0
    gain: float = 0.0
    offset: float = 0.0
    noise: float = 0.0
    paste: float = 0.0
    spectrum: float = 0.0
    mixing: float = 0.0

    @property
    def needs_partner(self) -> bool:
        """Whether a patch takes something from another place."""
        return bool(self.paste or self.mixing)


BASIC = Augmentation(turns=True, zoom=1.18, gain=0.15, offset=0.1, noise=0.3)
LEVELS = {
    "none": Augmentation(),
    "basic": BASIC,
    "full": replace(BASIC, zoom=1.33, paste=0.5, spectrum=0.3, mixing=0.7),
}
"""Augmentations by their name in `TrainParams`."""


@dataclass(frozen=True)
class Patches:
    """Patches of micrographs with their labels.

    Parameters
    ----------
    image
        Normalised, particles dark.
    instances
        0 is background, k the particle of row k - 1 of `centers_yx`.
    contamination, known, edge
        0 or 1.
    centers_yx
        px; may lie outside. Unused rows hold anything.
    """

    image: Float[Tensor, "b h w"]
    instances: Int[Tensor, "b h w"]
    contamination: Float[Tensor, "b h w"]
    known: Float[Tensor, "b h w"]
    edge: Float[Tensor, "b h w"]
    centers_yx: Float[Tensor, "b n 2"]


def augment(
    patches: Patches, partners: Patches | None, augmentation: Augmentation, randoms: Randoms
) -> Patches:
    """Augment patches.

    Parameters
    ----------
    patches
        Recorded patches, rotated and scaled.
    partners
        A patch from another place for each; None if the augmentation needs none.
    augmentation
        Strength of the augmentation.
    randoms
        Source of randomness.
    """
    if partners is not None and augmentation.paste:
        patches = paste_particles(patches, partners, augmentation.paste, randoms)
    image = patches.image
    if augmentation.spectrum:
        image = filter_spectrum(image, augmentation.spectrum, randoms)
    if partners is not None and augmentation.mixing:
        image = mix_noise(image, partners, augmentation.mixing, randoms)
    if augmentation.gain:
        image = _each(image, randoms, lambda r: math.exp(r.normal(0, augmentation.gain))) * image
    if augmentation.offset:
        image = image + _each(image, randoms, lambda r: r.normal(0, augmentation.offset))
    if augmentation.noise:
        deviation = _each(image, randoms, lambda r: r.uniform(0, augmentation.noise))
        image = image + deviation * _white(image, randoms)
    return replace(patches, image=image)


def paste_particles(patches: Patches, partners: Patches, share: float, randoms: Randoms) -> Patches:
    """Patches with whole particles of others on ice that is known to be empty.

    A particle keeps its position and is pasted with a soft edge, together with its labels.

    Parameters
    ----------
    patches
        Patches that get particles.
    partners
        Patches whose particles are pasted.
    share
        Fraction of the patches that get any; particles that fit are pasted with a random
        probability.
    randoms
        Source of randomness.
    """
    fits = _fitting(patches, partners, _wanted(partners, share, randoms))
    pasted = torch.gather(fits, 1, partners.instances.flatten(1).long())
    body = pasted.view_as(partners.instances)
    weight = functional.avg_pool2d(body.float(), SOFT, 1, SOFT // 2)
    taken = patches.centers_yx.shape[1]
    return Patches(
        image=torch.lerp(patches.image, partners.image, weight),
        instances=torch.where(body, partners.instances + taken, patches.instances),
        contamination=patches.contamination,
        known=torch.where(weight > 0, partners.known, patches.known),
        edge=torch.where(weight > 0, partners.edge, patches.edge),
        centers_yx=torch.cat((patches.centers_yx, partners.centers_yx), 1),
    )


def _wanted(partners: Patches, share: float, randoms: Randoms) -> Bool[Tensor, "b n"]:
    """Which instances to paste, 0 (the background) never."""
    count = partners.centers_yx.shape[1]
    chosen = []
    for random in randoms:
        rate = random.random() if random.random() < share else 0.0
        seed = int(random.integers(2**62))
        numbers = np.random.default_rng(seed).random(count)
        chosen.append(torch.from_numpy(numbers < rate))
    wanted = functional.pad(torch.stack(chosen), (1, 0))
    return wanted.to(partners.image.device)


def _fitting(
    patches: Patches, partners: Patches, wanted: Bool[Tensor, "b n"]
) -> Bool[Tensor, "b n"]:
    """Those wanted that come to lie on empty ice, their soft edge included."""
    empty = (patches.instances == 0) & (patches.known > 0) & (patches.contamination == 0)
    taken = functional.max_pool2d((~empty).float(), SOFT, 1, SOFT // 2).flatten(1)
    hit = torch.zeros(wanted.shape, device=taken.device)
    hit.scatter_reduce_(1, partners.instances.flatten(1).long(), taken, "amax")
    return wanted & (hit == 0)


def filter_spectrum(
    image: Float[Tensor, "b h w"], strength: float, randoms: Randoms
) -> Float[Tensor, "b h w"]:
    """Apply a random smooth radial filter that keeps the standard deviation of the images.

    Parameters
    ----------
    image
        Of any size.
    strength
        Standard deviation of the logarithm of the filter at zero frequency.
    randoms
        Source of randomness.

    Notes
    -----
    The logarithm is a sum of cosines, the higher the weaker: like the ratio of two CTFs with their
    envelopes, but without zeros.
    """
    height, width = image.shape[-2:]
    y = torch.fft.fftfreq(height, device=image.device)[:, None]
    x = torch.fft.rfftfreq(width, device=image.device)
    radius = (2 * (x**2 + y**2)).sqrt()  # 1 in the corner
    orders = np.arange(1, WAVES + 1)
    scale = strength / np.sqrt((1 / orders**2).sum())
    drawn = np.stack([random.normal(0, scale / orders) for random in randoms])
    weights = torch.from_numpy(drawn).float().to(image.device)
    waves = torch.stack([torch.cos(math.pi * order * radius) for order in orders.tolist()])
    gain = torch.einsum("bk,khw->bhw", weights, waves).exp()
    filtered = torch.fft.irfft2(torch.fft.rfft2(image) * gain, s=(height, width))
    return filtered * (_deviation(image) / _deviation(filtered))


def mix_noise(
    image: Float[Tensor, "b h w"], partners: Patches, largest: float, randoms: Randoms
) -> Float[Tensor, "b h w"]:
    """Mix in noise that has the spectrum of the background of another place.

    Signal and old noise become weaker by as much as the whole would become stronger.

    Parameters
    ----------
    image
        Normalised.
    partners
        Patches whose background is taken, without particles, contamination and unknown areas.
    largest
        Largest standard deviation of the noise, which is drawn uniformly from 0.
    randoms
        Source of randomness.
    """
    empty = (partners.instances == 0) & (partners.known > 0) & (partners.contamination == 0)
    amplitude = torch.fft.rfft2(partners.image * empty).abs()
    white = _white(image, randoms)
    noise = torch.fft.irfft2(torch.fft.rfft2(white) * amplitude, s=image.shape[-2:])
    strength = _each(image, randoms, lambda random: random.uniform(0, largest))
    return (image + strength * noise / _deviation(noise)) / (1 + strength**2).sqrt()


def _deviation(image: Float[Tensor, "b h w"]) -> Float[Tensor, "b 1 1"]:
    """Standard deviation of each image; 1 where there is next to none."""
    found = image.std((-2, -1), keepdim=True)
    return torch.where(found > 1e-6, found, 1.0)


def _each(
    image: Float[Tensor, "b h w"],
    randoms: Randoms,
    draw: Callable[[np.random.Generator], float],
) -> Float[Tensor, "b 1 1"]:
    """A number drawn for each image."""
    numbers = torch.tensor([draw(random) for random in randoms])
    return numbers[:, None, None].to(image.device)


def _white(image: Float[Tensor, "b h w"], randoms: Randoms) -> Float[Tensor, "b h w"]:
    """White noise of standard deviation 1, drawn on the device of the images."""
    generator, noise = torch.Generator(image.device), torch.empty_like(image)
    for plane, random in zip(noise, randoms, strict=True):
        plane.normal_(generator=generator.manual_seed(int(random.integers(2**62))))
    return noise
